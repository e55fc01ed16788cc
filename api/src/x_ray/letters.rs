//! What was written to and fro about an order, beside the mails that its events called for.

use super::pseudonyms::Pseudonyms;
use chrono::{DateTime, Utc};
use commands::messages::Message;
use commands::staff::notes::Note;
use consumers::mails::Mail;
use domain::Position;
use serde::{Deserialize, Serialize};

/// A mail that no consumer has noted: one of the schedule, or one that was not sent, with why not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailFile {
    /// By what it is sent: the name of a consumer, or of a task of the schedule.
    pub sender: String,
    /// What calls for it: the type of an event, or the key of a job.
    pub cause: String,
    /// Where that event stands in the log.
    pub position: Option<Position>,
    /// How it stands.
    pub state: String,
    /// Why it stands so: what the server answered, or what it waits for.
    pub why: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// By which it is known to all who pass it on.
    pub message_id: Option<String>,
    /// When it was begun.
    pub noted_at: Option<DateTime<Utc>>,
    /// Since when it stands so.
    pub since: Option<DateTime<Utc>>,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
}

/// What the customer or the shop wrote about the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageFile {
    /// `customer` or `staff`.
    pub author: String,
    /// What it says, replaced.
    pub text: String,
    /// When.
    pub sent_at: DateTime<Utc>,
}

/// What staff noted about the order among themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteFile {
    /// Who, replaced.
    pub by: String,
    /// What it says, replaced.
    pub text: String,
    /// When.
    pub written_at: DateTime<Utc>,
}

impl MailFile {
    /// Such a mail, with what is known as personal by now replaced in what the program says of it; `None` for one that
    /// a consumer has noted.
    pub(super) fn of(mail: Mail, known: &Pseudonyms) -> Option<Self> {
        if mail.item.is_some() {
            return None;
        }
        Some(Self {
            sender: mail.sender,
            cause: mail.cause,
            position: mail.event.map(|event| Position(event.position)),
            state: mail.state.to_owned(),
            why: mail.why.map(|why| known.within(&why)),
            attempts: mail.attempts,
            message_id: mail.message_id.map(|id| known.within(&id)),
            noted_at: mail.noted_at,
            since: mail.since,
            next_at: mail.next_at,
        })
    }
}

impl MessageFile {
    pub(super) fn of(message: &Message, known: &mut Pseudonyms) -> Self {
        let author = message.side.as_str().to_owned();
        Self { author, text: known.text(&message.body), sent_at: message.sent_at }
    }
}

impl NoteFile {
    pub(super) fn of(note: &Note, known: &mut Pseudonyms) -> Self {
        Self { by: known.actor(&note.name), text: known.text(&note.body), written_at: note.written_at }
    }
}
