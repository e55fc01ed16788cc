//! The newsletter aggregate: one issue of it, from a draft to its release. Who gets it is no part of it.

mod decide;
mod event;

pub use decide::{Command, Rejection, decide};
pub use event::{IssueDrafted, IssueReleased, NewsletterEvent};

use crate::language::Language;
use crate::text::{IssueSubject, IssueText};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most languages that an issue is written in, besides the shop's own.
pub const MAX_TRANSLATIONS: usize = 10;

/// What an issue says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueWords {
    /// Its subject.
    pub subject: IssueSubject,
    /// Its text: paragraphs, with an empty line between them.
    pub text: IssueText,
}

/// What an issue says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueContent {
    /// In the shop's own language.
    pub words: IssueWords,
    /// In others.
    pub translations: BTreeMap<Language, IssueWords>,
}

/// What an issue's events left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Newsletter {
    /// Nothing was written yet.
    #[default]
    Absent,
    /// It was written, and may be rewritten.
    Drafted(IssueContent),
    /// It went out, and stays as it is.
    Released(IssueContent),
}

impl Newsletter {
    /// What it says; `None` before it was written.
    pub fn content(&self) -> Option<&IssueContent> {
        match self {
            Self::Absent => None,
            Self::Drafted(content) | Self::Released(content) => Some(content),
        }
    }

    /// Whether it went out.
    pub fn is_released(&self) -> bool {
        matches!(self, Self::Released(_))
    }
}

/// The state after `event`.
pub fn evolve(newsletter: Newsletter, event: &NewsletterEvent) -> Newsletter {
    match (newsletter, event) {
        (Newsletter::Absent | Newsletter::Drafted(_), NewsletterEvent::IssueDrafted(drafted)) => {
            Newsletter::Drafted(drafted.content.clone())
        }
        (_, NewsletterEvent::IssueReleased(released)) => Newsletter::Released(released.content.clone()),
        (released @ Newsletter::Released(_), NewsletterEvent::IssueDrafted(_)) => released,
    }
}
