//! How something is: a word, and how it looks.

use crate::admin::texts::text;

/// How something is: a word, and the class of its pill.
pub(super) struct State {
    pub(super) word: String,
    pub(super) tone: &'static str,
}

impl State {
    pub(super) fn of(id: &str, tone: &'static str) -> Self {
        Self { word: text(id), tone }
    }
}
