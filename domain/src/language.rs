//! The language of a text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use unic_langid::LanguageIdentifier;

/// A language identifier of Unicode (UTS #35, the part of BCP 47 that names a language, script and region), in its
/// canonical spelling: `en`, `ko`, `zh-Hant`, `pt-BR`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Arc<str>);

/// The text names no language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is written as en, ko or zh-Hant")]
pub struct LanguageError;

impl Language {
    /// Parses a language in any case, `zh_hant` too.
    pub fn parse(text: &str) -> Result<Self, LanguageError> {
        let identifier = LanguageIdentifier::from_bytes(text.as_bytes()).map_err(|_| LanguageError)?;
        // `und` is the language of what has none.
        if identifier.language.is_empty() {
            return Err(LanguageError);
        }
        Ok(Self(identifier.to_string().into()))
    }

    /// A language that was parsed before it was stored.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;
    fn try_from(text: String) -> Result<Self, LanguageError> {
        Self::parse(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.as_str().to_owned()
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
