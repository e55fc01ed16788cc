//! What can have happened to an issue of the newsletter.

use super::IssueContent;

/// A fact about one issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewsletterEvent {
    /// It was written, or rewritten.
    IssueDrafted(IssueDrafted),
    /// It goes out to the subscribers of that moment.
    IssueReleased(IssueReleased),
}

/// See [`NewsletterEvent::IssueDrafted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueDrafted {
    /// What it says from now on.
    pub content: IssueContent,
}

/// See [`NewsletterEvent::IssueReleased`]. What it says once more, so that no reader has to look for it. No addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueReleased {
    /// What it says, for good.
    pub content: IssueContent,
}

crate::event::event_types!(NewsletterEvent { IssueDrafted, IssueReleased });
