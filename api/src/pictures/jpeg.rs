//! Whether a JPEG file is whole. Its decoder is lenient: of a file that is cut off it makes a picture that is grey from
//! there on.

/// The most scans: those who make progressive files use about ten. Each is as much work as the whole picture, and may
/// cost its sender no more than a few bytes.
const MAX_SCANS: usize = 32;

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Walks over the segments (ITU T.81, annex B) from the first to the mark of the end. What stands behind it is not
/// looked at.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut scans = 0;
    while let Some((marker, behind)) = next_marker(rest) {
        if marker == END_OF_IMAGE {
            return scans > 0;
        }
        let Some((length, _)) = behind.split_first_chunk::<2>() else { return false };
        let Some(behind) = behind.get(usize::from(u16::from_be_bytes(*length))..) else { return false };
        rest = behind;
        if marker == START_OF_SCAN {
            scans += 1;
            if scans > MAX_SCANS {
                return false;
            }
        }
    }
    false
}

/// The next marker, and what is behind it. The data of a scan are skipped: there, 0xff is followed by 0 or by a marker
/// of restart, which has no segment.
fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let at = bytes.iter().position(|byte| *byte == 0xff)?;
        let (code, behind) = bytes.get(at + 1..)?.split_first()?;
        match code {
            0x00 | 0x01 | 0xd0..=0xd8 => bytes = behind,
            // A fill byte: the marker comes behind it.
            0xff => bytes = bytes.get(at + 1..)?,
            code => return Some((*code, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, (x * y) as u8]));
        JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&picture).unwrap();
        bytes
    }

    #[test]
    fn no_part_of_a_file_is_taken_for_the_whole() {
        let whole = sample();
        assert!(is_whole(&whole));
        for length in 0..whole.len() {
            assert!(!is_whole(&whole[..length]), "{length} of {} bytes", whole.len());
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_not_looked_at() {
        assert!(is_whole(&[sample(), b"<script>".to_vec()].concat()));
    }

    #[test]
    fn a_file_of_many_scans_is_refused() {
        let whole = sample();
        let at = whole.windows(2).position(|pair| pair == [0xff, START_OF_SCAN]).unwrap();
        let scan = &whole[at..whole.len() - 2];
        let of = |scans: usize| [&whole[..at], &scan.repeat(scans), &[0xff, END_OF_IMAGE]].concat();
        assert!(is_whole(&of(MAX_SCANS)) && !is_whole(&of(MAX_SCANS + 1)));
    }
}
