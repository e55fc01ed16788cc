//! Colours as browsers show them of a picture that says nothing of its own. Telephones keep photos in a wider range of
//! colours, by a profile within the file: without it they would look dull, and kept with each picture it would weigh
//! more than a small one.

use image::DynamicImage;
use moxcms::{ColorProfile, Layout, TransformOptions};

/// The same picture in the colours of the web (sRGB); as it is where its profile is none that fits.
pub(super) fn to_srgb(pixels: DynamicImage, profile: Option<&[u8]>) -> DynamicImage {
    match profile {
        Some(profile) => converted(&pixels, profile).unwrap_or(pixels),
        None => pixels,
    }
}

fn converted(pixels: &DynamicImage, profile: &[u8]) -> Option<DynamicImage> {
    let own = ColorProfile::new_from_slice(profile).ok()?;
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    match pixels {
        DynamicImage::ImageRgb8(from) => {
            let mut to = from.clone();
            let transform = own.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options).ok()?;
            transform.transform(from, &mut to).ok()?;
            Some(to.into())
        }
        DynamicImage::ImageRgba8(from) => {
            let mut to = from.clone();
            let transform = own.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options).ok()?;
            transform.transform(from, &mut to).ok()?;
            Some(to.into())
        }
        _ => None,
    }
}
