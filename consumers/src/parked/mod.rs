//! What needs a person: effects that are parked, and those whose outcome is unknown. Where it is asked for, what waits
//! as well.
//!
//! - [`find`]: which there are. [`mod@show`]: one of them with all that is known of it.
//! - [`decide`]: what a person decides, about one or about many.
//! - [`letters`]: the dead-letter topic, where each parking can be read besides.

pub mod decide;
pub mod find;
pub mod letters;
pub mod show;

pub use decide::{Decision, Many, decide_all, discard, give_up_earlier, retry};
pub use find::{COUNTED_AT_MOST, Filter, count, list, list_of};
pub use show::{Attempt, Detail, show};

use crate::ledger::State;
use chrono::{DateTime, Utc};
use domain::Position;
use domain::ids::EventId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

/// The most items of one page.
pub const PAGE_ITEMS: u32 = 200;

/// An effect that needs a person, or waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// By which it is retried or discarded.
    pub id: i64,
    /// Whose effect.
    pub consumer: String,
    /// [`State::Parked`], [`State::Unknown`] or [`State::Waiting`]; of one that is shown by its id, any.
    pub state: State,
    /// The event that calls for it.
    pub event_id: EventId,
    /// The event's type; empty for a record that is none of ours.
    pub event_type: String,
    /// The aggregate's kind.
    pub aggregate_type: String,
    /// The aggregate: an order's id.
    pub aggregate_id: String,
    /// The event's place in the log.
    pub position: Position,
    /// Whom it reaches: the subject's id, or the nil UUID.
    pub recipient: Uuid,
    /// How often it was tried; from 0 again when a person has one tried again that was parked or unknown. `tries`
    /// counts all.
    pub attempts: u32,
    /// What the last attempt came to.
    pub reason: Option<String>,
    /// The Message-ID, where a mail was under way.
    pub message_id: Option<String>,
    /// When Kafka handed the event over.
    pub noted_at: DateTime<Utc>,
    /// When it came into this state.
    pub since: DateTime<Utc>,
    /// When it is tried next, if it waits; `None` also while an earlier one holds it.
    pub next_at: Option<DateTime<Utc>>,
    /// How many later effects of its aggregate wait for it.
    pub holds: u64,
    /// The partition of its record, and the offset there; `None` where it was noted by an older program.
    pub record: Option<(i32, i64)>,
}

/// What a person's decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Decided {
    /// It is carried out.
    Done,
    /// There is no such item, or none of a state in which that can be decided.
    NotParked,
}

impl<'r> FromRow<'r, PgRow> for Parked {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let state: &str = row.try_get("state")?;
        let unknown = || sqlx::Error::ColumnDecode { index: "state".to_owned(), source: format!("`{state}`").into() };
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            state: State::parse(state).ok_or_else(unknown)?,
            event_id: EventId(row.try_get("event_id")?),
            event_type: row.try_get("event_type")?,
            aggregate_type: row.try_get("aggregate_type")?,
            aggregate_id: row.try_get("aggregate_id")?,
            position: Position::from_i64(row.try_get("position")?),
            recipient: row.try_get("recipient")?,
            attempts: row.try_get::<i32, _>("attempts")?.unsigned_abs(),
            reason: row.try_get("reason")?,
            message_id: row.try_get("message_id")?,
            noted_at: row.try_get("noted_at")?,
            since: row.try_get("changed_at")?,
            next_at: row.try_get("next_at")?,
            holds: row.try_get::<i64, _>("holds")?.unsigned_abs(),
            record: row.try_get::<Option<_>, _>("partition")?.zip(row.try_get("log_offset")?),
        })
    }
}
