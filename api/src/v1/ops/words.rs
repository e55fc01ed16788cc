//! A few words that an operator gives: a reason, the name of a consumer, a part of a text.

use crate::http::body::Shaped;
use crate::problem::ValueError;
use serde_json::{Value, json};
use std::fmt;

/// The most characters of them.
const MAX_CHARS: usize = 500;

/// One line of words, at least one character that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(pub(super) String);

impl Words {
    pub(super) fn parse(text: &str) -> Result<Self, NotWords> {
        let text = text.trim();
        let is_line = !text.chars().any(char::is_control);
        if !text.is_empty() && is_line && text.chars().count() <= MAX_CHARS {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotWords)
        }
    }
}

/// It is none.
pub(super) struct NotWords;

impl fmt::Display for NotWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one line of 1 to {MAX_CHARS} characters")
    }
}

impl ValueError for NotWords {
    fn code(&self) -> &'static str {
        "invalid_text"
    }
}

impl Shaped for Words {
    fn shape() -> Value {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_CHARS, "pattern": "\\S" })
    }
}
