//! Files as they come: whole, cut off, and made to do harm.

use super::size::Size;
use super::{AT_ONCE, MAX_PIXELS, PictureError, Pictures, read, render};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, GenericImageView, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Wider than high, and no two corners alike.
fn photo() -> DynamicImage {
    RgbImage::from_fn(320, 200, |x, y| Rgb([(x / 2) as u8, y as u8, ((x * y) / 300) as u8])).into()
}

fn jpeg(of: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    of.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 95)).unwrap();
    bytes
}

fn png(of: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    of.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

fn webp(of: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    of.write_with_encoder(WebPEncoder::new_lossless(&mut bytes)).unwrap();
    bytes
}

fn files(bytes: &[u8]) -> Result<render::Rendered, PictureError> {
    render::render(read::read(bytes)?)
}

/// A segment of a JPEG file behind its first mark.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// Exif that turns the picture by a quarter, and tells where it was taken.
fn exif() -> Vec<u8> {
    let orientation = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
    let place = b"51 30 N, 0 7 W";
    [b"Exif\0\0II*\0".as_slice(), &8_u32.to_le_bytes(), &1_u16.to_le_bytes(), &orientation, &[0; 4], place].concat()
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn each_format_is_taken_in_every_size_and_never_made_larger() {
    let large: DynamicImage = RgbImage::from_fn(1_500, 900, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 7])).into();
    for bytes in [jpeg(&large), png(&large), webp(&large)] {
        let made = files(&bytes).unwrap();
        let sides: Vec<_> =
            made.files.iter().map(|(_, bytes)| image::load_from_memory(bytes).unwrap().dimensions()).collect();
        assert_eq!(sides, [(200, 120), (600, 360), (1_200, 720)]);
        assert_eq!(made.files.last().unwrap().0, made.name.as_str());
        assert!(made.files.iter().all(|(name, bytes)| {
            name.ends_with(".jpg") && image::guess_format(bytes).unwrap() == ImageFormat::Jpeg
        }));
    }
    let small = files(&png(&photo())).unwrap();
    let sides: Vec<_> =
        small.files.iter().map(|(_, bytes)| image::load_from_memory(bytes).unwrap().dimensions()).collect();
    assert_eq!(sides, [(200, 125), (320, 200), (320, 200)]);
}

#[test]
fn a_line_of_pixels_is_a_picture_too() {
    let line: DynamicImage = RgbImage::new(3_000, 1).into();
    let made = files(&png(&line)).unwrap();
    assert_eq!(image::load_from_memory(&made.files[0].1).unwrap().dimensions(), (200, 1));
}

#[test]
fn the_name_says_what_is_in_it() {
    let (one, other) = (files(&png(&photo())).unwrap(), files(&png(&photo().rotate180())).unwrap());
    assert_eq!(files(&webp(&photo())).unwrap(), one, "the same pixels, whatever they came in");
    assert_ne!(one.name, other.name);
    for (size, (name, _)) in Size::ALL.iter().zip(one.files.iter().rev()) {
        assert_eq!(*name, size.of(one.name.as_str()));
    }
}

#[test]
fn what_shines_through_goes_on_to() {
    let glass: DynamicImage = RgbaImage::from_fn(64, 64, |x, _| Rgba([10, 200, 30, (x * 4) as u8])).into();
    let made = files(&png(&glass)).unwrap();
    assert!(made.name.as_str().ends_with("-1200.webp"), "{}", made.name);
    let shown = image::load_from_memory(&made.files[2].1).unwrap().to_rgba8();
    assert_eq!((shown.get_pixel(0, 9).0[3], shown.get_pixel(63, 9).0[3]), (0, 252));
    let solid: DynamicImage = RgbaImage::from_pixel(64, 64, Rgba([10, 200, 30, 255])).into();
    assert!(files(&png(&solid)).unwrap().name.as_str().ends_with(".jpg"), "nothing shines through");
}

#[test]
fn a_photo_is_turned_upright_and_forgets_where_it_was_taken() {
    let taken = with_segment(&jpeg(&photo()), 0xe1, &exif());
    assert!(holds(&taken, b"51 30 N"));
    let made = files(&taken).unwrap();
    for (name, bytes) in &made.files {
        let (width, height) = image::load_from_memory(bytes).unwrap().dimensions();
        assert!(width < height, "{name} is {width} by {height}");
        assert!(!holds(bytes, b"51 30 N") && !holds(bytes, b"Exif"), "{name}");
    }
}

#[test]
fn colours_of_a_wider_range_become_those_of_the_web() {
    let plain: DynamicImage = RgbImage::from_pixel(32, 32, Rgb([200, 100, 100])).into();
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(moxcms::ColorProfile::new_display_p3().encode().unwrap()).unwrap();
    plain.write_with_encoder(encoder).unwrap();
    let made = files(&bytes).unwrap();
    let shown = image::load_from_memory(&made.files[2].1).unwrap().to_rgb8();
    let [red, green, _] = shown.get_pixel(16, 16).0;
    assert!(red > 205 && green < 100, "{:?}", shown.get_pixel(16, 16));
    let damaged = with_segment(&jpeg(&plain), 0xe2, b"ICC_PROFILE\0\x01\x01no profile");
    files(&damaged).unwrap();
}

#[test]
fn nothing_but_pixels_comes_through() {
    let script = b"<script>alert(1)</script><?php ?>";
    let behind = [png(&photo()), script.to_vec()].concat();
    let within = with_segment(&jpeg(&photo()), 0xfe, script);
    let after = [jpeg(&photo()), b"PK\x03\x04".to_vec(), script.to_vec()].concat();
    for polyglot in [behind, within, after] {
        for (name, bytes) in files(&polyglot).unwrap().files {
            assert!(!holds(&bytes, b"<script") && !holds(&bytes, b"PK\x03"), "{name}");
        }
    }
}

#[test]
fn what_is_no_picture_is_refused_whatever_it_is_called() {
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;".as_slice();
    let bmp = [b"BM".as_slice(), &[0; 60]].concat();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".as_slice();
    for other in [
        &b""[..],
        b"\xff",
        b"tea",
        b"%PDF-1.7",
        b"<!doctype html><script>",
        gif,
        &bmp[..],
        svg,
        b"II*\0",
        b"RIFF\x04\0\0\0AVI ",
    ] {
        assert!(matches!(files(other), Err(PictureError::UnknownFormat)), "{other:?}");
    }
}

#[test]
fn what_is_cut_off_or_damaged_is_refused() {
    for whole in [jpeg(&photo()), png(&photo()), webp(&photo())] {
        for part in 1..8 {
            let cut = &whole[..whole.len() * part / 8];
            assert!(matches!(files(cut), Err(PictureError::Damaged)), "{part} of 8 parts of {:?}", &whole[..4]);
        }
    }
    let mut flipped = png(&photo());
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    assert!(matches!(files(&flipped), Err(PictureError::Damaged)), "a checksum tells");
}

/// A file of a few bytes that says it is huge: known before anything is made of it.
#[test]
fn a_bomb_is_known_by_its_first_bytes() {
    let side = 5_001_u32;
    assert!(u64::from(side).pow(2) > MAX_PIXELS);
    let mut png = png(&photo());
    for side in [side, 60_000, u32::MAX >> 1] {
        png[16..20].copy_from_slice(&side.to_be_bytes());
        png[20..24].copy_from_slice(&side.to_be_bytes());
        let checksum = crc32fast::hash(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&checksum);
        assert!(matches!(files(&png), Err(PictureError::TooManyPixels)), "{side}");
    }
    let mut jpeg = jpeg(&photo());
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(files(&jpeg), Err(PictureError::TooManyPixels)));
}

/// Many bytes of nothing, made small: the memory that it takes is bounded by what its pixels take.
#[test]
fn text_that_unpacks_to_a_great_deal_is_let_lie() {
    let mut packed = flate2_of(64 << 20);
    let mut chunk = b"zTXtnote\0\0".to_vec();
    chunk.append(&mut packed);
    let checksum = crc32fast::hash(&chunk).to_be_bytes();
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    let plain = png(&photo());
    let bomb = [&plain[..33], &length, &chunk, &checksum, &plain[33..]].concat();
    let made = files(&bomb).unwrap();
    assert_eq!(made, files(&plain).unwrap());
}

fn flate2_of(zeros: usize) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; zeros]).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn the_same_picture_handed_in_many_times_at_once_is_kept_once() {
    let top = tempfile::tempdir().unwrap();
    let media = top.path().join("media");
    let bytes = Bytes::from(png(&photo()));
    // As of several processes, each with bounds of its own.
    let handed_in = (0..6).map(|_| {
        let (pictures, bytes) = (Pictures::new(Some(media.clone())), bytes.clone());
        async move { pictures.keep(bytes).await.unwrap() }
    });
    let names: BTreeSet<_> = futures::future::join_all(handed_in).await.into_iter().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(kept(&media), 3);
    assert_eq!(fs::read_dir(media.join(".unfinished")).unwrap().count(), 0);
}

fn kept(media: &Path) -> usize {
    fs::read_dir(media).unwrap().filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_long_for_a_turn_is_told_to_come_again() {
    let top = tempfile::tempdir().unwrap();
    let pictures = Pictures::new(Some(top.path().to_owned()));
    let turns = pictures.turns.acquire_many(AT_ONCE as u32).await.unwrap();
    let refused = pictures.keep(Bytes::from(png(&photo()))).await.unwrap_err();
    assert!(matches!(refused, PictureError::Busy));
    drop(turns);
    assert!(matches!(Pictures::new(None).keep(Bytes::new()).await, Err(PictureError::NoDirectory)));
}
