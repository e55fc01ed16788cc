//! An event as it stands on disk.

use chrono::{DateTime, Utc};
use domain::ids::EventId;
use domain::wire::{self, WireError};
use domain::{AggregateType, Event, Metadata, Position, Recorded};
use std::sync::OnceLock;

/// An event as it stands on disk. Shared between readers; decoded by the first that asks, and at most once.
#[derive(Debug)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its id, for ever.
    pub event_id: EventId,
    /// Its aggregate's kind, as [`AggregateType::as_str`] writes it, or one that this program does not know.
    pub aggregate_type: String,
    /// Its aggregate's id.
    pub aggregate_id: String,
    /// Its place within its aggregate, from 1.
    pub sequence: u64,
    /// Its type.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// What happened, as JSON tagged with the type.
    pub payload: String,
    /// [`Metadata`] as JSON: a flat object of strings.
    pub metadata: String,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    pub(super) decoded: OnceLock<Result<Box<Recorded<Event>>, ReadError>>,
}

/// An event that this program can't read. Readers stop at it, or park it, but never skip it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event at position {position} can't be read: {fault}")]
pub struct ReadError {
    /// Where it stands.
    pub position: Position,
    /// Why, and what to do.
    pub fault: String,
}

/// The columns of [`StoredEvent`], in the order in which [`sqlx::FromRow`] is not needed to look for them.
pub(super) const COLUMNS: &str = "position, event_id, aggregate_type, aggregate_id, sequence, event_type, \
     event_version, payload::text AS payload, metadata::text AS metadata, recorded_at";

impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for StoredEvent {
    fn from_row(row: &'r sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row;
        Ok(Self {
            position: Position::from_i64(row.try_get(0)?),
            event_id: EventId(row.try_get(1)?),
            aggregate_type: row.try_get(2)?,
            aggregate_id: row.try_get(3)?,
            sequence: row.try_get::<i64, _>(4)?.unsigned_abs(),
            event_type: row.try_get(5)?,
            event_version: row.try_get(6)?,
            payload: row.try_get(7)?,
            metadata: row.try_get(8)?,
            recorded_at: row.try_get(9)?,
            decoded: OnceLock::new(),
        })
    }
}

impl StoredEvent {
    /// The event decoded, upcast to the newest version of its type.
    pub fn recorded(&self) -> Result<&Recorded<Event>, &ReadError> {
        self.decoded.get_or_init(|| self.decode().map(Box::new)).as_ref().map(|recorded| &**recorded)
    }

    /// How many bytes it takes to hold, about.
    pub fn size_bytes(&self) -> usize {
        self.payload.len() + self.metadata.len() + self.aggregate_id.len() + 256
    }

    fn decode(&self) -> Result<Recorded<Event>, ReadError> {
        let unreadable = |fault: String| ReadError { position: self.position, fault };
        let kind = AggregateType::parse(&self.aggregate_type)
            .ok_or_else(|| unreadable(format!("unknown aggregate type `{}`", self.aggregate_type)))?;
        let event = wire::decode(kind, &self.event_type, &self.event_version, &self.payload)
            .map_err(|error: WireError| unreadable(error.to_string()))?;
        let metadata: Metadata = serde_json::from_str(&self.metadata)
            .map_err(|error| unreadable(format!("its metadata is not of the known shape: {error}")))?;
        Ok(Recorded {
            position: self.position,
            event_id: self.event_id,
            aggregate_id: self.aggregate_id.clone(),
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            metadata,
            event,
        })
    }
}
