//! From the bytes of a file to pixels, within bounds. What it is is told by its content, never by what it was called.

use super::{MAX_PIXELS, PictureError, jpeg};
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, guess_format};
use std::io::Cursor;

/// The longest side, in pixels.
const MAX_SIDE: u32 = 20_000;
/// What a decoder may take besides the bytes that came: 16 bits for each of four channels of the most pixels.
const MAX_MEMORY_BYTES: u64 = MAX_PIXELS * 8 + (64 << 20);

/// What is taken of a file.
#[derive(Debug)]
pub(super) struct Picture {
    /// Its pixels, the right way up.
    pub(super) pixels: DynamicImage,
    /// What their colours mean (ICC), if it says so.
    pub(super) profile: Option<Vec<u8>>,
}

/// Reads a file.
pub(super) fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    let format = guess_format(bytes).map_err(|_| PictureError::UnknownFormat)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(PictureError::UnknownFormat);
    }
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err(PictureError::Damaged);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    // Known from its first bytes: a small file that says it is huge costs nothing.
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooManyPixels);
    }
    // What is said of a picture may be wrong where the picture itself is not.
    let orientation = decoder.orientation().ok();
    let profile = decoder.icc_profile().ok().flatten();
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(refused)?;
    if let Some(orientation) = orientation {
        pixels.apply_orientation(orientation);
    }
    Ok(Picture { pixels, profile })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY_BYTES);
    limits
}

fn refused(error: ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooManyPixels,
        _ => PictureError::Damaged,
    }
}
