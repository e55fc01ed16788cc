//! A name within a URL: what a category is known by, and the id of its aggregate.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// 1 to 60 of `a-z 0-9 -`, a letter or digit at both ends. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

/// The text is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug is 1 to 60 of the characters a-z 0-9 -, and neither begins nor ends with -")]
pub struct SlugError;

impl Slug {
    /// The longest slug, in characters.
    pub const MAX_CHARS: usize = 60;

    /// Parses a slug.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let has_bare_end = text.starts_with('-') || text.ends_with('-');
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed) && !has_bare_end {
            Ok(Self(text.into()))
        } else {
            Err(SlugError)
        }
    }

    /// A slug that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;
    fn try_from(text: String) -> Result<Self, SlugError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.as_str().to_owned()
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
