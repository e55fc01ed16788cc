//! The name of a product's picture.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The name of a picture file among the shop's media: 1 to 100 of `a-z 0-9 - .`, with neither `.` at an end nor two in
/// a row. It is made by the program from what is in the file, never taken from who sends it, so that the same name is
/// always the same picture. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureName(Arc<str>);

/// The text is no name of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a picture is 1 to 100 of the characters a-z 0-9 - ., and neither begins nor ends with a dot")]
pub struct PictureNameError;

impl PictureName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, PictureNameError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        let dots_well = !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed) && dots_well {
            Ok(Self(text.into()))
        } else {
            Err(PictureNameError)
        }
    }

    /// A name that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PictureName {
    type Error = PictureNameError;
    fn try_from(text: String) -> Result<Self, PictureNameError> {
        Self::parse(&text)
    }
}

impl From<PictureName> for String {
    fn from(name: PictureName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Debug for PictureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PictureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
