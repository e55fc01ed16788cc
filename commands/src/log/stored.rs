//! An event as it stands on disk.

use super::StreamId;
use chrono::{DateTime, Utc};
use domain::ids::EventId;
use domain::wire::{self, WireError};
use domain::{AggregateType, Event, Metadata, Position, Recorded};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// An event as it stands on disk. Shared between readers; decoded by the first that asks, and at most once.
#[derive(Debug)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its id, for ever.
    pub event_id: EventId,
    /// Its aggregate's kind, as [`AggregateType::as_str`] writes it, or one that this program does not know.
    pub aggregate_type: Cow<'static, str>,
    /// Its aggregate's id.
    pub aggregate_id: Arc<str>,
    /// Its place within its aggregate, from 1.
    pub sequence: u64,
    /// Its type.
    pub event_type: Cow<'static, str>,
    /// The version of its shape.
    pub event_version: Cow<'static, str>,
    /// What happened, as JSON tagged with the type.
    pub payload: String,
    /// [`Metadata`] as JSON: a flat object of strings.
    pub metadata: Arc<str>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    pub(super) decoded: OnceLock<Result<Box<Recorded<Event>>, ReadError>>,
}

/// What is known about all events of one command.
pub(crate) struct CommandMetadata {
    metadata: Arc<Metadata>,
    json: Arc<str>,
}

impl From<Metadata> for CommandMetadata {
    fn from(metadata: Metadata) -> Self {
        let json =
            serde_json::to_string(&metadata).unwrap_or_else(|_| unreachable!("a struct of strings is always JSON"));
        Self { metadata: Arc::new(metadata), json: json.into() }
    }
}

/// An event that this program can't read. Readers stop at it, or park it, but never skip it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event at position {position} can't be read: {fault}")]
pub struct ReadError {
    /// Where it stands.
    pub position: Position,
    /// Why, and what to do.
    pub fault: String,
    /// Whether a newer program wrote it, which can read it.
    pub is_newer: bool,
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
            aggregate_type: known_kind(row.try_get(2)?),
            aggregate_id: row.try_get::<&str, _>(3)?.into(),
            sequence: row.try_get::<i64, _>(4)?.unsigned_abs(),
            event_type: Cow::Owned(row.try_get(5)?),
            event_version: Cow::Owned(row.try_get(6)?),
            payload: row.try_get(7)?,
            metadata: row.try_get::<&str, _>(8)?.into(),
            recorded_at: row.try_get(9)?,
            decoded: OnceLock::new(),
        })
    }
}

/// The name of a kind that this program knows, without a copy of its own.
fn known_kind(name: &str) -> Cow<'static, str> {
    AggregateType::parse(name).map_or_else(|| Cow::Owned(name.to_owned()), |kind| Cow::Borrowed(kind.as_str()))
}

/// What an event says, apart from any log: for whoever kept it elsewhere.
#[derive(Debug, Clone)]
pub struct KeptEvent {
    /// See [`StoredEvent::position`].
    pub position: Position,
    /// See [`StoredEvent::event_id`].
    pub event_id: EventId,
    /// See [`StoredEvent::aggregate_type`].
    pub aggregate_type: String,
    /// See [`StoredEvent::aggregate_id`].
    pub aggregate_id: String,
    /// See [`StoredEvent::sequence`].
    pub sequence: u64,
    /// See [`StoredEvent::event_type`].
    pub event_type: String,
    /// See [`StoredEvent::event_version`].
    pub event_version: String,
    /// See [`StoredEvent::payload`].
    pub payload: String,
    /// See [`StoredEvent::metadata`].
    pub metadata: String,
    /// See [`StoredEvent::recorded_at`].
    pub recorded_at: DateTime<Utc>,
}

impl From<KeptEvent> for StoredEvent {
    fn from(kept: KeptEvent) -> Self {
        Self {
            position: kept.position,
            event_id: kept.event_id,
            aggregate_type: known_kind(&kept.aggregate_type),
            aggregate_id: kept.aggregate_id.into(),
            sequence: kept.sequence,
            event_type: Cow::Owned(kept.event_type),
            event_version: Cow::Owned(kept.event_version),
            payload: kept.payload,
            metadata: kept.metadata.into(),
            recorded_at: kept.recorded_at,
            decoded: OnceLock::new(),
        }
    }
}

impl StoredEvent {
    /// An event on its way to the log, decoded already: what this process writes it need not read again.
    pub(crate) fn proposed(stream: &StreamId, sequence: u64, metadata: &CommandMetadata, event: Event) -> Self {
        let wire::Encoded { event_type, event_version, payload } = wire::encode(&event);
        let event_id = EventId(Uuid::now_v7());
        let recorded = Recorded {
            position: Position::ORIGIN,
            event_id,
            aggregate_id: Arc::clone(&stream.id),
            sequence,
            recorded_at: DateTime::UNIX_EPOCH,
            metadata: Arc::clone(&metadata.metadata),
            event,
        };
        Self {
            position: Position::ORIGIN,
            event_id,
            aggregate_type: Cow::Borrowed(stream.kind.as_str()),
            aggregate_id: Arc::clone(&stream.id),
            sequence,
            event_type: Cow::Borrowed(event_type),
            event_version: Cow::Borrowed(event_version),
            payload,
            metadata: Arc::clone(&metadata.json),
            recorded_at: DateTime::UNIX_EPOCH,
            decoded: OnceLock::from(Ok(Box::new(recorded))),
        }
    }

    /// The same where it was written.
    pub(super) fn written(mut self, position: Position, recorded_at: DateTime<Utc>) -> Self {
        (self.position, self.recorded_at) = (position, recorded_at);
        if let Some(Ok(recorded)) = self.decoded.get_mut() {
            (recorded.position, recorded.recorded_at) = (position, recorded_at);
        }
        self
    }

    /// The event decoded, upcast to the newest version of its type.
    pub fn recorded(&self) -> Result<&Recorded<Event>, &ReadError> {
        self.decoded.get_or_init(|| self.decode().map(Box::new)).as_ref().map(|recorded| &**recorded)
    }

    /// When it occurred, as whoever made it says; `None` where its metadata can't be read.
    pub fn occurred_at(&self) -> Option<DateTime<Utc>> {
        serde_json::from_str(&self.metadata).ok().map(|metadata: Metadata| metadata.occurred_at)
    }

    /// How many bytes it takes to hold, about.
    pub fn size_bytes(&self) -> usize {
        self.payload.len() + self.metadata.len() + self.aggregate_id.len() + 256
    }

    fn decode(&self) -> Result<Recorded<Event>, ReadError> {
        let unreadable = |fault: String, is_newer| ReadError { position: self.position, fault, is_newer };
        let kind = AggregateType::parse(&self.aggregate_type)
            .ok_or_else(|| unreadable(format!("unknown aggregate type `{}`", self.aggregate_type), true))?;
        let event = wire::decode(kind, &self.event_type, &self.event_version, &self.payload)
            .map_err(|error: WireError| unreadable(error.to_string(), !matches!(error, WireError::Malformed { .. })))?;
        let metadata: Metadata = serde_json::from_str(&self.metadata)
            .map_err(|error| unreadable(format!("its metadata is not of the known shape: {error}"), false))?;
        Ok(Recorded {
            position: self.position,
            event_id: self.event_id,
            aggregate_id: Arc::clone(&self.aggregate_id),
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            metadata: Arc::new(metadata),
            event,
        })
    }
}
