//! A product's stock keeping unit: its name among programs, and the id of its aggregate.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// 1 to 64 of `A-Z a-z 0-9 . _ -`, but not `.` or `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(Arc<str>);

/// The text is no sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sku is 1 to 64 of the characters A-Z a-z 0-9 . _ -, and neither . nor ..")]
pub struct SkuError;

impl Sku {
    /// The longest sku, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Parses a sku. `.` and `..` would be dot segments of a URL (RFC 3986, section 3.3), so that clients resolve them
    /// away: such a product could not be addressed.
    pub fn parse(text: &str) -> Result<Self, SkuError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..") {
            Ok(Self(text.into()))
        } else {
            Err(SkuError)
        }
    }

    /// A sku that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sku {
    type Error = SkuError;
    fn try_from(text: String) -> Result<Self, SkuError> {
        Self::parse(&text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.as_str().to_owned()
    }
}

impl fmt::Debug for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
