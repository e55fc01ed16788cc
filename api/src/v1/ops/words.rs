//! A few words that an operator gives: a reason, a part of a text, the name of a consumer.

use crate::http::body::Shaped;
use crate::problem::ValueError;
use serde_json::{Value, json};
use std::fmt;

/// The most characters of words.
const MAX_CHARS: usize = 500;
/// The most characters of a name or an id: several together are written down with what was done.
const MAX_NAME_CHARS: usize = 200;

/// One line of words, at least one character that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(pub(super) String);

impl Words {
    pub(super) fn parse(text: &str) -> Result<Self, NotWords> {
        line(text, MAX_CHARS).map(Self)
    }
}

/// What something is called: a consumer, an order, a type of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called(pub(super) String);

impl Called {
    pub(super) fn parse(text: &str) -> Result<Self, NotWords> {
        line(text, MAX_NAME_CHARS).map(Self)
    }
}

fn line(text: &str, most: usize) -> Result<String, NotWords> {
    let text = text.trim();
    let is_line = !text.chars().any(char::is_control);
    if !text.is_empty() && is_line && text.chars().count() <= most { Ok(text.to_owned()) } else { Err(NotWords(most)) }
}

/// It is none, of so many characters at most.
pub(super) struct NotWords(usize);

impl fmt::Display for NotWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one line of 1 to {} characters", self.0)
    }
}

impl ValueError for NotWords {
    fn code(&self) -> &'static str {
        "invalid_text"
    }
}

impl Shaped for Words {
    fn shape() -> Value {
        shape(MAX_CHARS)
    }
}

impl Shaped for Called {
    fn shape() -> Value {
        shape(MAX_NAME_CHARS)
    }
}

fn shape(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": "\\S" })
}
