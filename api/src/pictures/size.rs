//! The sizes that pages show pictures in, and the names of their files.

use domain::product::PictureName;

/// A size: a picture fits into a square of it, and is never made larger than it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// On a page of its own. The name of the picture is that of this size.
    Large,
    /// On a card among others.
    Medium,
    /// Beside a line of a cart or a list.
    Small,
}

/// Hexadecimal digits of a name that say what is in the picture.
pub(super) const HASH_DIGITS: usize = 32;

impl Size {
    /// All, the largest first.
    pub(crate) const ALL: [Self; 3] = [Self::Large, Self::Medium, Self::Small];

    /// The side of the square, in pixels: about two for each of CSS where it is shown.
    pub(crate) const fn side(self) -> u32 {
        match self {
            Self::Large => 1_200,
            Self::Medium => 600,
            Self::Small => 200,
        }
    }

    /// The name of the file of this size.
    pub(super) fn file_name(self, hash: &str, extension: &str) -> String {
        format!("{hash}-{}.{extension}", self.side())
    }

    /// The name of the file that shows a picture in this size: a drawing, or what was put into the folder by hand, has
    /// one file for all.
    pub(crate) fn of(self, picture: &str) -> String {
        match parts(picture) {
            Some((hash, extension)) => self.file_name(hash, extension),
            None => picture.to_owned(),
        }
    }
}

/// The hash and the extension of a name of ours.
fn parts(picture: &str) -> Option<(&str, &str)> {
    let (stem, extension) = picture.split_once('.')?;
    let hash = stem.strip_suffix("-1200")?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && matches!(extension, "jpg" | "webp")).then_some((hash, extension))
}

/// The name of a picture whose files have this hash.
pub(super) fn picture_name(hash: &str, extension: &str) -> Option<PictureName> {
    PictureName::parse(&Size::Large.file_name(hash, extension)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_of_a_picture_has_a_file() {
        let hash = "0123456789abcdef0123456789abcdef";
        let name = picture_name(hash, "jpg").unwrap();
        assert_eq!(
            Size::ALL.map(|size| size.of(name.as_str())),
            [format!("{hash}-1200.jpg"), format!("{hash}-600.jpg"), format!("{hash}-200.jpg"),]
        );
        for all in Size::ALL {
            assert!(PictureName::parse(&all.of(name.as_str())).is_ok());
        }
    }

    #[test]
    fn what_is_not_ours_has_one_file_for_all() {
        let hash = "0123456789abcdef0123456789abcdef";
        let others = [
            "cup.svg",
            "cup-1200.jpg",
            &format!("{hash}.svg"),
            &format!("{hash}-1200.svg"),
            &format!("{hash}-600.jpg"),
        ];
        for other in others {
            assert_eq!(Size::Small.of(other), other);
        }
    }
}
