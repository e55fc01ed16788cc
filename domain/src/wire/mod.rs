//! The frozen shapes in which events are stored and published.
//!
//! A stored event is for ever. Each version of each event type has a struct of its own here that is never edited, and
//! the law is: what was written reads back as the same event. One pair of golden files per version ever stored proves
//! it (`domain/tests/golden/`), and a version without them fails the tests.
//!
//! A payload is tagged with its type, `{"OrderPaid":{…}}`: so `cqrs-es` reads it as well. Reading is strict: a member
//! that the shape does not have is an error, because dropping it silently would lose a part of history.
//!
//! # Evolving an event
//!
//! Say that `ItemAdded` gets a gift note. Nothing that is stored is rewritten; what reads it learns a second shape:
//!
//! 1. Change the domain's type: `gift_note: Option<GiftNote>` in [`ItemAdded`](crate::order::ItemAdded).
//! 2. Beside `ItemAddedV1` write the new struct `ItemAddedV2`, with `From<&ItemAdded>` and a `TryFrom` into
//!    `ItemAdded`. A part that changes inside ([`parts`]) is a new struct as well: `LineV2`.
//! 3. Turn the old struct's `TryFrom` into its upcaster, `impl From<ItemAddedV1<'_>> for ItemAddedV2<'_>`, which says
//!    what the new member is in events that never had it. An upcaster leads to the next version only: a later `V3`
//!    needs one from `V2`, and this one is never touched again. The old struct keeps its members; what wrote it
//!    (`From<&ItemAdded>`) goes.
//! 4. In `SHAPES` make the old version's line read through it, and add a line for the new version below. A type's last
//!    line is its current version:
//!    ```text
//!    Shape::of(ItemAdded::TYPE, "1", schema::of::<ItemAddedV1<'_>>, |stored| {
//!        stored.read(|v1: ItemAddedV1<'_>| ItemAdded::try_from(ItemAddedV2::from(v1)))
//!    }),
//!    Shape::of(ItemAdded::TYPE, "2", schema::of::<ItemAddedV2<'_>>, |stored| {
//!        stored.read(|v2: ItemAddedV2<'_>| ItemAdded::try_from(v2))
//!    }),
//!    ```
//! 5. In `encode` write `"2"` and `ItemAddedV2`.
//! 6. Add `ItemAdded.v2.full.json` and `ItemAdded.v2.minimal.json` to the golden files, with the events they stand for
//!    in `domain/tests/it/golden.rs`. The files of version 1 stay as they are.
//! 7. Have the schema of the new version written, as the test of `docs/api` says when it misses it.

mod category;
#[cfg(test)]
mod evolving;
mod newsletter;
mod order;
mod parts;
mod presentation;
mod product;
mod schema;
mod tagged;

use crate::event::{AggregateType, Event};
use parts::PartError;
use schema::Describe;
pub use schema::{EventSchema, schemas};
use serde::{Deserialize, Serialize};

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
    #[error(
        "unknown event type `{event_type}` of the kind `{aggregate_type}`: a newer program wrote it; upgrade this one"
    )]
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
    /// The payload is not of the shape that its type and version say. The fault names members and places, never a
    /// value: there may be personal data in it.
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
        Event::Category(event) => category::encode(event),
        Event::Newsletter(event) => newsletter::encode(event),
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
        AggregateType::Order => Shape::decode(order::SHAPES, aggregate_type, &stored).map(Event::Order),
        AggregateType::Product => Shape::decode(product::SHAPES, aggregate_type, &stored).map(Event::Product),
        AggregateType::Category => Shape::decode(category::SHAPES, aggregate_type, &stored).map(Event::Category),
        AggregateType::Newsletter => Shape::decode(newsletter::SHAPES, aggregate_type, &stored).map(Event::Newsletter),
    }
}

/// Reads an event of the newest version, its type taken from the payload's own tag.
pub fn decode_current(aggregate_type: AggregateType, payload: &str) -> Result<Event, WireError> {
    let unknown = |event_type: &str| WireError::UnknownType { aggregate_type, event_type: event_type.to_owned() };
    let tag = tagged::tag(payload).ok_or_else(|| unknown("(none)"))?;
    let newest = newest_version(tag).ok_or_else(|| unknown(tag))?;
    decode(aggregate_type, tag, newest, payload)
}

/// Every version of every event type that can be read; of each type the oldest first, the last one is written today.
pub fn versions() -> impl Iterator<Item = (AggregateType, &'static str, &'static str)> {
    let of = |kind| move |(event_type, event_version)| (kind, event_type, event_version);
    let orders = order::SHAPES.iter().map(Shape::name).map(of(AggregateType::Order));
    let products = product::SHAPES.iter().map(Shape::name).map(of(AggregateType::Product));
    let categories = category::SHAPES.iter().map(Shape::name).map(of(AggregateType::Category));
    let newsletters = newsletter::SHAPES.iter().map(Shape::name).map(of(AggregateType::Newsletter));
    orders.chain(products).chain(categories).chain(newsletters)
}

/// Whether `event_version` is the version in which events of this type are written today.
pub fn is_current(event_type: &str, event_version: &str) -> bool {
    newest_version(event_type) == Some(event_version)
}

fn newest_version(event_type: &str) -> Option<&'static str> {
    versions().filter(|(_, known, _)| *known == event_type).last().map(|(_, _, newest)| newest)
}

/// One version of one event type, and how it becomes an `E` of today.
struct Shape<E> {
    event_type: &'static str,
    event_version: &'static str,
    describe: Describe,
    read: Read<E>,
}

type Read<E> = fn(&StoredShape<'_>) -> Result<E, WireError>;

impl<E> Shape<E> {
    const fn of(event_type: &'static str, event_version: &'static str, describe: Describe, read: Read<E>) -> Self {
        Self { event_type, event_version, describe, read }
    }

    fn name(&self) -> (&'static str, &'static str) {
        (self.event_type, self.event_version)
    }

    /// Reads `stored` by that one of `shapes` which it names.
    fn decode(shapes: &[Self], aggregate_type: AggregateType, stored: &StoredShape<'_>) -> Result<E, WireError> {
        let named = shapes.iter().find(|shape| shape.name() == (stored.event_type, stored.event_version));
        if let Some(shape) = named {
            return (shape.read)(stored);
        }
        let event_type = stored.event_type.to_owned();
        if shapes.iter().any(|shape| shape.event_type == event_type) {
            Err(WireError::UnknownVersion { event_type, event_version: stored.event_version.to_owned() })
        } else {
            Err(WireError::UnknownType { aggregate_type, event_type })
        }
    }
}

/// An event as it stands on disk.
struct StoredShape<'a> {
    event_type: &'a str,
    event_version: &'a str,
    payload: &'a str,
}

impl<'a> StoredShape<'a> {
    /// Reads the payload as the shape `V`, which `into` makes the event.
    fn read<V, D, E>(&self, into: impl FnOnce(V) -> Result<D, PartError>) -> Result<E, WireError>
    where
        V: Deserialize<'a>,
        E: From<D>,
    {
        let shape =
            tagged::read(self.event_type, self.payload).map_err(|error| self.malformed(tagged::fault(&error)))?;
        into(shape).map(E::from).map_err(|error| self.malformed(error.to_string()))
    }

    fn malformed(&self, fault: String) -> WireError {
        WireError::Malformed {
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            fault,
        }
    }
}

fn encoded(event_type: &'static str, event_version: &'static str, shape: impl Serialize) -> Encoded {
    Encoded { event_type, event_version, payload: tagged::write(event_type, &shape) }
}
