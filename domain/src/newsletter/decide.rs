//! What a command on an issue of the newsletter comes to.

use super::event::{IssueDrafted, IssueReleased, NewsletterEvent};
use super::{IssueContent, MAX_TRANSLATIONS, Newsletter};
use crate::decision::Decision;

/// What can be asked of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Write it.
    Draft(IssueContent),
    /// Write it anew as a whole, as long as it has not gone out.
    Rewrite(IssueContent),
    /// Send it to the subscribers of this moment.
    Release,
}

/// Why a command on an issue is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is an issue with this id.
    #[error("an issue with this id exists already")]
    AlreadyExists,
    /// There is no such issue.
    #[error("there is no issue with this id")]
    NotFound,
    /// It went out already: it stays as it is.
    #[error("the issue was released, and stays as it is")]
    AlreadyReleased,
    /// More than [`MAX_TRANSLATIONS`].
    #[error("an issue is written in at most {MAX_TRANSLATIONS} languages besides the shop's own")]
    TooManyTranslations,
}

/// Decides a command on one issue.
pub fn decide(newsletter: &Newsletter, command: &Command) -> Decision<NewsletterEvent, Rejection> {
    match (newsletter, command) {
        (_, Command::Draft(content) | Command::Rewrite(content)) if content.translations.len() > MAX_TRANSLATIONS => {
            Decision::Rejected(Rejection::TooManyTranslations)
        }
        (Newsletter::Absent, Command::Draft(content)) => drafted(content),
        (_, Command::Draft(_)) => Decision::Rejected(Rejection::AlreadyExists),
        (Newsletter::Absent, Command::Rewrite(_) | Command::Release) => Decision::Rejected(Rejection::NotFound),
        (Newsletter::Drafted(known) | Newsletter::Released(known), Command::Rewrite(content)) if known == content => {
            Decision::AlreadySo
        }
        (Newsletter::Drafted(_), Command::Rewrite(content)) => drafted(content),
        (Newsletter::Released(_), Command::Rewrite(_)) => Decision::Rejected(Rejection::AlreadyReleased),
        (Newsletter::Drafted(content), Command::Release) => {
            Decision::Events(vec![IssueReleased { content: content.clone() }.into()])
        }
        (Newsletter::Released(_), Command::Release) => Decision::AlreadySo,
    }
}

fn drafted(content: &IssueContent) -> Decision<NewsletterEvent, Rejection> {
    Decision::Events(vec![IssueDrafted { content: content.clone() }.into()])
}
