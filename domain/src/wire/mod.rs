//! The frozen shapes in which events are stored and published.
//!
//! A stored event is for ever. Each version of each event type has a struct of its own here that is never edited;
//! a change of the domain's type gets a new version, and the old one an upcaster: a `From` into the next. The law:
//! what was written reads back as the same event. One golden file per version ever stored proves it
//! (`domain/tests/golden/`).
//!
//! A payload is tagged with its type, `{"OrderPaid":{…}}`: so `cqrs-es` reads it as well.

mod order;
mod parts;
mod product;
mod tagged;

use crate::event::{AggregateType, Event};
use serde::Serialize;

/// An event ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its type, such as `OrderPlaced`.
    pub event_type: &'static str,
    /// The version of the shape, such as `1`.
    pub event_version: &'static str,
    /// Its JSON.
    pub payload: String,
}

/// Why a stored event can't be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No program of this version or before wrote such a type.
    #[error("unknown event type `{event_type}` of a {aggregate_type}: a newer program wrote it; upgrade this one")]
    UnknownType {
        /// The aggregate's kind.
        aggregate_type: AggregateType,
        /// The type that stands there.
        event_type: String,
    },
    /// The type is known, the version is not.
    #[error(
        "unknown version `{event_version}` of the event type `{event_type}`: a newer program wrote it; upgrade this one"
    )]
    UnknownVersion {
        /// The event's type.
        event_type: String,
        /// The version that stands there.
        event_version: String,
    },
    /// The payload is not of the shape that its type and version say.
    #[error("the payload of `{event_type}` version `{event_version}` is not of that shape: {fault}")]
    Malformed {
        /// The event's type.
        event_type: String,
        /// Its version.
        event_version: String,
        /// What does not fit.
        fault: String,
    },
}

/// Writes an event in the newest version of its shape.
pub fn encode(event: &Event) -> Encoded {
    match event {
        Event::Order(event) => order::encode(event),
        Event::Product(event) => product::encode(event),
    }
}

/// Reads an event of any version ever stored, upcast to the newest.
pub fn decode(
    aggregate_type: AggregateType,
    event_type: &str,
    event_version: &str,
    payload: &str,
) -> Result<Event, WireError> {
    let stored = StoredShape { event_type, event_version, payload };
    match aggregate_type {
        AggregateType::Order => order::decode(&stored).map(Event::Order),
        AggregateType::Product => product::decode(&stored).map(Event::Product),
    }
}

/// Reads an event of the newest version, its type taken from the payload's own tag.
pub fn decode_current(aggregate_type: AggregateType, payload: &str) -> Result<Event, WireError> {
    let unknown = |event_type: &str| WireError::UnknownType { aggregate_type, event_type: event_type.to_owned() };
    let tag = tagged::tag(payload).ok_or_else(|| unknown("(none)"))?;
    let current = order::CURRENT.iter().chain(product::CURRENT).find(|(event_type, _)| *event_type == tag);
    let (event_type, event_version) = current.ok_or_else(|| unknown(tag))?;
    decode(aggregate_type, event_type, event_version, payload)
}

/// Whether `event_version` is the version in which events of this type are written today.
pub fn is_current(event_type: &str, event_version: &str) -> bool {
    order::CURRENT.iter().chain(product::CURRENT).any(|current| *current == (event_type, event_version))
}

struct StoredShape<'a> {
    event_type: &'a str,
    event_version: &'a str,
    payload: &'a str,
}

impl<'a> StoredShape<'a> {
    fn read<T: serde::Deserialize<'a>>(&self) -> Result<T, WireError> {
        tagged::read(self.event_type, self.payload).map_err(|error| self.malformed(&error))
    }

    fn malformed(&self, fault: &dyn std::fmt::Display) -> WireError {
        WireError::Malformed {
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            fault: fault.to_string(),
        }
    }

    fn unknown(&self, aggregate_type: AggregateType, types: &[&str]) -> WireError {
        let event_type = self.event_type.to_owned();
        if types.contains(&self.event_type) {
            WireError::UnknownVersion { event_type, event_version: self.event_version.to_owned() }
        } else {
            WireError::UnknownType { aggregate_type, event_type }
        }
    }
}

fn encoded(event_type: &'static str, event_version: &'static str, shape: impl Serialize) -> Encoded {
    Encoded { event_type, event_version, payload: tagged::write(event_type, &shape) }
}
