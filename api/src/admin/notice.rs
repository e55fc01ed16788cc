//! What the next page tells of what was just done.

use serde::{Deserialize, Serialize};

/// The most rows that a notice tells of, which is more than a page has.
const MAX_ROWS: usize = 100;
/// The most characters of one text, so that all of them fit into a session.
const MAX_CHARS: usize = 200;

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// The class that shows it.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// What happened, and what came of each row that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) rows: Vec<RowResult>,
}

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowResult {
    pub(crate) label: String,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

impl Notice {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: short(text.into()), rows: Vec::new() }
    }

    /// It went well.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self::new(Tone::Good, text)
    }

    /// Not all of it did.
    pub(crate) fn warn(text: impl Into<String>) -> Self {
        Self::new(Tone::Warn, text)
    }

    /// Nothing was done.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(Tone::Bad, text)
    }

    /// With what came of one row.
    #[must_use]
    pub(crate) fn row(mut self, label: impl Into<String>, tone: Tone, text: impl Into<String>) -> Self {
        if self.rows.len() < MAX_ROWS {
            self.rows.push(RowResult { label: short(label.into()), tone, text: short(text.into()) });
        }
        self
    }
}

fn short(text: String) -> String {
    if text.chars().count() <= MAX_CHARS { text } else { text.chars().take(MAX_CHARS - 1).chain(['…']).collect() }
}
