//! Whether a customer got a mail, and why (not): all that is known of the mails about an order, or to an address.
//!
//! - [`of_order`]: each event of an order that calls for a mail, with what the ledger has of it, and the mails of the
//!   schedule about it.
//! - [`why_not`]: what is told where there is no mail, or not yet.
//! - [`scheduled`]: the mails of the schedule, found by their job or by a digest of their address: addresses are not
//!   kept.
//!
//! No address is told here, but as far as it is one that was asked for.

mod of_order;
pub(crate) mod scheduled;
mod why_not;

pub use of_order::{Teller, order_of};
pub use scheduled::{issues_to, may_be_more, to_address};

use crate::parked::Attempt;
use chrono::{DateTime, Utc};

/// A mail that was called for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// By what it is sent: the name of a consumer, or of a task of the schedule.
    pub sender: String,
    /// What calls for it: the type of an event, or the key of a job.
    pub cause: String,
    /// The event; `None` for one of the schedule.
    pub event: Option<Event>,
    /// Whether it goes to the address that was asked for; `None` where none was, or it is not known.
    pub is_to_address: Option<bool>,
    /// How it stands: a state of the ledger or of a job; `not_noted` where the consumer was not handed the event yet,
    /// `passed_over` where the event came before its time or it went past it, `not_called_for` where the rules know of
    /// no such mail, or not yet.
    pub state: &'static str,
    /// Why it stands so: what it waits for, who decided against it, what the server answered last.
    pub why: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// The newest attempts that did not end well, the oldest first.
    pub failed_attempts: Vec<Attempt>,
    /// The Message-ID, once it was under way.
    pub message_id: Option<String>,
    /// Its number in the ledger, by which it is retried or discarded.
    pub item: Option<i64>,
    /// When the consumer was handed the event, or the mail was begun.
    pub noted_at: Option<DateTime<Utc>>,
    /// When it came into this state.
    pub since: Option<DateTime<Utc>>,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
}

/// The event that calls for a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Its place in the log.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The partition of its record, and the offset there; `None` where it is not known.
    pub record: Option<(i32, i64)>,
}
