//! From pixels to the files that pages show: JPEG, or WebP where something shines through.

use super::read::Picture;
use super::size::{HASH_DIGITS, Size, picture_name};
use super::{PictureError, colour};
use domain::product::PictureName;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, ImageResult};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Of 100: from here on a photo gains bytes and nothing that is seen.
const JPEG_QUALITY: u8 = 85;

/// A picture's files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) name: PictureName,
    /// The name and the bytes of each, the picture's own at the end: who finds that finds them all.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// Makes a picture in each size. Its name says what is in all of them: other bytes, as of another encoder, have another
/// name.
pub(super) fn render(picture: Picture) -> Result<Rendered, PictureError> {
    let Picture { pixels, profile } = picture;
    let is_opaque = is_opaque(&pixels);
    let pixels: DynamicImage = if is_opaque { pixels.into_rgb8().into() } else { pixels.into_rgba8().into() };
    let mut shrunk = colour::to_srgb(fit(pixels, Size::Large.side()), profile.as_deref());
    let mut digest = Sha256::new();
    let mut encoded = Vec::new();
    for size in Size::ALL {
        shrunk = fit(shrunk, size.side());
        let bytes = encode(&shrunk, is_opaque).map_err(|_| PictureError::Damaged)?;
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
        encoded.push((size, bytes));
    }
    let (hash, extension) = (hex(&digest.finalize()), if is_opaque { "jpg" } else { "webp" });
    let name = picture_name(&hash, extension).ok_or(PictureError::Damaged)?;
    let files = encoded.into_iter().rev().map(|(size, bytes)| (size.file_name(&hash, extension), bytes)).collect();
    Ok(Rendered { name, files })
}

/// Whether nothing shines through, whatever the file's kind of pixels could say.
fn is_opaque(pixels: &DynamicImage) -> bool {
    !pixels.color().has_alpha() || pixels.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

/// Fits a picture into a square, its sides in proportion; one that fits stays as it is.
fn fit(pixels: DynamicImage, side: u32) -> DynamicImage {
    let (width, height) = pixels.dimensions();
    if width.max(height) <= side {
        return pixels;
    }
    // A fine filter over many pixels takes its time, and is seen only in the last step down.
    let nearly = if width.max(height) > 4 * side { pixels.thumbnail(2 * side, 2 * side) } else { pixels };
    nearly.resize(side, side, FilterType::Lanczos3)
}

fn encode(pixels: &DynamicImage, is_opaque: bool) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_opaque {
        pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    } else {
        pixels.write_with_encoder(WebPEncoder::new_lossless(&mut bytes))?;
    }
    Ok(bytes)
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(HASH_DIGITS);
    for byte in &digest[..HASH_DIGITS / 2] {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
