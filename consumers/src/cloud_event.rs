//! An event as a Kafka record: `CloudEvents` 1.0, Kafka protocol binding, binary content mode. The attributes are
//! headers, the value is the event's JSON as it is stored.

use chrono::{DateTime, SecondsFormat, Utc};
use commands::{LogIdentity, StoredEvent};
use domain::ids::EventId;
use domain::{Metadata, Position};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use serde::Deserialize;
use std::borrow::Cow;
use std::str::FromStr;

// Attributes of CloudEvents.
const SPEC_VERSION: &str = "ce_specversion";
const ID: &str = "ce_id";
const SOURCE: &str = "ce_source";
/// The header that names the type of the event.
pub const TYPE: &str = "ce_type";
const TIME: &str = "ce_time";
const SUBJECT: &str = "ce_subject";
const CONTENT_TYPE: &str = "content-type";
// Extensions: ours, named as the specification asks (lower case, no separators).
/// The header that names the version of its shape.
pub const DATA_VERSION: &str = "ce_dataversion";
const POSITION: &str = "ce_position";
const SEQUENCE: &str = "ce_sequence";
const RECORDED_TIME: &str = "ce_recordedtime";
const ACTOR: &str = "ce_actor";
/// The header that says to which request it belongs.
pub const CORRELATION_ID: &str = "ce_correlationid";
const CAUSATION_ID: &str = "ce_causationid";
const LOCALE: &str = "ce_locale";
/// W3C trace context, under the name that tracing libraries look for.
const TRACE_PARENT: &str = "traceparent";

/// A header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderField {
    /// Its key.
    pub name: &'static str,
    /// Whether each record has it.
    pub is_always_there: bool,
    /// What it says.
    pub about: &'static str,
}

/// The headers that [`headers`] writes, for whoever reads them with another program.
pub const HEADERS: [HeaderField; 16] = [
    always(SPEC_VERSION, "`1.0`: the version of CloudEvents."),
    always(ID, "The event's id, for ever: what duplicates are told by. A UUID."),
    always(SOURCE, "The log that the event stands in: `urn:uuid:` and the id of the log."),
    always(TYPE, "The event's type."),
    always(DATA_VERSION, "The version of the shape of the event's data. An extension."),
    sometimes(TIME, "When it occurred, by RFC 3339."),
    always(SUBJECT, "The id of its aggregate; also the record's key."),
    always(CONTENT_TYPE, "`application/json`: the media type of the value."),
    always(POSITION, "Its place in the log: 1, 2, 3, … in the order of commits. An extension."),
    always(SEQUENCE, "Its place within its aggregate, from 1. An extension."),
    always(RECORDED_TIME, "When it was written down, by RFC 3339. An extension."),
    sometimes(ACTOR, "Who asked for it: the id of an API key, or a part of the program. An extension."),
    sometimes(CORRELATION_ID, "The id of the request that it belongs to. An extension."),
    sometimes(CAUSATION_ID, "The id of the event that it was caused by, where it was one. An extension."),
    sometimes(LOCALE, "The language tag of whoever asked, where it is known. An extension."),
    sometimes(TRACE_PARENT, "W3C trace context, where the request had one."),
];

const fn always(name: &'static str, about: &'static str) -> HeaderField {
    HeaderField { name, is_always_there: true, about }
}

const fn sometimes(name: &'static str, about: &'static str) -> HeaderField {
    HeaderField { name, is_always_there: false, about }
}

/// What an event's `ce_source` is: the log that it stands in.
pub fn source(log: LogIdentity) -> String {
    format!("urn:uuid:{}", log.log_id)
}

/// The metadata as it is stored, every member optional: the relay passes on what is there and stops at nothing.
#[derive(Default, Deserialize)]
struct StoredMetadata<'a> {
    #[serde(borrow, default)]
    occurred_at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    actor: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    correlation_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    causation_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
}

/// The trace context of the request that an event is due to.
pub(crate) fn traceparent(event: &StoredEvent) -> Option<String> {
    let metadata: StoredMetadata<'_> = serde_json::from_str(&event.metadata).ok()?;
    metadata.traceparent.map(Cow::into_owned)
}

/// The headers of an event.
pub fn headers(event: &StoredEvent, source: &str) -> OwnedHeaders {
    let metadata: StoredMetadata<'_> = serde_json::from_str(&event.metadata).unwrap_or_default();
    let id = event.event_id.to_string();
    Writer(OwnedHeaders::new_with_capacity(16))
        .add(SPEC_VERSION, "1.0")
        .add(ID, &id)
        .add(SOURCE, source)
        .add(TYPE, &event.event_type)
        .add(DATA_VERSION, &event.event_version)
        .add_some(TIME, metadata.occurred_at.as_deref())
        .add(SUBJECT, &event.aggregate_id)
        .add(CONTENT_TYPE, "application/json")
        .add(POSITION, &event.position.to_string())
        .add(SEQUENCE, &event.sequence.to_string())
        .add(RECORDED_TIME, &event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true))
        .add_some(ACTOR, metadata.actor.as_deref())
        .add_some(CORRELATION_ID, metadata.correlation_id.as_deref())
        .add_some(CAUSATION_ID, metadata.causation_id.as_deref())
        .add_some(LOCALE, metadata.locale.as_deref())
        .add_some(TRACE_PARENT, metadata.traceparent.as_deref())
        .0
}

struct Writer(OwnedHeaders);

impl Writer {
    fn add(self, key: &str, value: &str) -> Self {
        Self(self.0.insert(Header { key, value: Some(value) }))
    }

    fn add_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.add(key, value),
            None => self,
        }
    }
}

/// What the headers of a record say about its event.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    /// Its id, for ever.
    pub event_id: EventId,
    /// Its type.
    pub event_type: &'a str,
    /// The version of its shape.
    pub event_version: &'a str,
    /// Its aggregate's id.
    pub aggregate_id: &'a str,
    /// Its place within its aggregate, from 1.
    pub sequence: u64,
    /// Its place in the log.
    pub position: Position,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it, when, and what it belongs to.
    pub metadata: Metadata,
}

/// Why the headers are not those of an event of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A header is not there, or its bytes are no text.
    #[error("the header `{0}` is missing, or no text")]
    Missing(&'static str),
    /// A header is no number, id or time, where it has to be one.
    #[error("the header `{0}` is not of the form that it should have")]
    Malformed(&'static str),
}

/// The headers of one record.
pub struct Attributes<'a, H: Headers>(Option<&'a H>);

impl<'a, H: Headers> Attributes<'a, H> {
    /// Those of a message.
    pub fn of<M: Message<Headers = H>>(message: &'a M) -> Self {
        Self(message.headers())
    }

    /// The event's type, if the record says one.
    pub fn event_type(&self) -> Option<&'a str> {
        self.optional(TYPE)
    }

    /// The event's position, if the record says one.
    pub fn position(&self) -> Option<Position> {
        self.optional(POSITION)?.parse().ok().map(Position)
    }

    /// All of it.
    pub fn envelope(&self) -> Result<Envelope<'a>, HeaderError> {
        Ok(Envelope {
            event_id: self.parsed(ID)?,
            event_type: self.text(TYPE)?,
            event_version: self.text(DATA_VERSION)?,
            aggregate_id: self.text(SUBJECT)?,
            sequence: self.parsed(SEQUENCE)?,
            position: Position(self.parsed(POSITION)?),
            recorded_at: self.parsed(RECORDED_TIME)?,
            metadata: Metadata {
                occurred_at: self.parsed(TIME)?,
                actor: self.text(ACTOR)?.to_owned(),
                correlation_id: self.text(CORRELATION_ID)?.to_owned(),
                causation_id: self.optional(CAUSATION_ID).map(str::to_owned),
                traceparent: self.optional(TRACE_PARENT).map(str::to_owned),
                locale: self.optional(LOCALE).map(str::to_owned),
            },
        })
    }

    fn optional(&self, name: &str) -> Option<&'a str> {
        let header = self.0?.iter().find(|header| header.key == name)?;
        std::str::from_utf8(header.value?).ok()
    }

    fn text(&self, name: &'static str) -> Result<&'a str, HeaderError> {
        self.optional(name).ok_or(HeaderError::Missing(name))
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, HeaderError> {
        self.text(name)?.parse().map_err(|_| HeaderError::Malformed(name))
    }
}
