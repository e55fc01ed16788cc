//! What a consumer makes of one Kafka record.

use crate::cloud_event::{Attributes, HeaderError};
use crate::consumer::{Consumer, FromEvent};
use crate::ledger::intake::Cause;
use domain::ids::EventId;
use domain::wire::{self, WireError};
use domain::{AggregateType, Position, Recorded};
use rdkafka::message::{BorrowedMessage, Message};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// What a consumer makes of one record.
pub(super) enum Record<E> {
    /// It is not for this consumer.
    PassedOver,
    /// It calls for an effect.
    Wanted(Cause, Box<Recorded<E>>),
    /// It is for this consumer, and can't be read.
    Poison(Cause),
}

#[derive(Debug, thiserror::Error)]
enum Poison {
    #[error("the record is none of ours: {0}")]
    Headers(#[from] HeaderError),
    #[error("the event can't be read: {0}")]
    Event(#[from] WireError),
    #[error("the record has no text as its value")]
    NoText,
    #[error("the consumer wants events of the type `{0}`, but does not take them: this is a fault of the program")]
    NotTaken(String),
}

/// Reads a record. Events before the consumer's time, and of types that it does not want, are not looked into.
pub(super) fn read<C: Consumer>(
    consumer: &C,
    kind: AggregateType,
    started_after: Position,
    message: &BorrowedMessage<'_>,
) -> Record<C::Event> {
    let attributes = Attributes::of(message);
    let unwanted = attributes.event_type().is_some_and(|event_type| !C::WANTS.contains(event_type));
    let early = attributes.position().is_some_and(|position| position <= started_after);
    if unwanted || early {
        return Record::PassedOver;
    }
    match decode::<C>(kind, message) {
        Ok(recorded) => {
            let recipient = consumer.recipient(&recorded.event).map_or(Uuid::nil(), |subject| subject.0);
            let event_type = attributes.event_type().unwrap_or_default().to_owned();
            let cause = Cause {
                event_id: recorded.event_id,
                recipient,
                aggregate_type: kind.as_str(),
                aggregate_id: recorded.aggregate_id.to_string(),
                sequence: recorded.sequence,
                position: recorded.position,
                event_type,
                record: (message.partition(), message.offset()),
                poison: None,
            };
            Record::Wanted(cause, Box::new(recorded))
        }
        Err(fault) => Record::Poison(poison(kind, message, &fault)),
    }
}

fn decode<C: Consumer>(kind: AggregateType, message: &BorrowedMessage<'_>) -> Result<Recorded<C::Event>, Poison> {
    let envelope = Attributes::of(message).envelope()?;
    let payload = message.payload_view::<str>().and_then(Result::ok).ok_or(Poison::NoText)?;
    let event = wire::decode(kind, envelope.event_type, envelope.event_version, payload)?;
    Ok(Recorded {
        position: envelope.position,
        event_id: envelope.event_id,
        aggregate_id: envelope.aggregate_id.into(),
        sequence: envelope.sequence,
        recorded_at: envelope.recorded_at,
        event: C::Event::from_event(event).ok_or_else(|| Poison::NotTaken(envelope.event_type.to_owned()))?,
        metadata: Arc::new(envelope.metadata),
    })
}

/// What is known of a record that can't be read: at least its key, which is its aggregate.
fn poison(kind: AggregateType, message: &BorrowedMessage<'_>, fault: &Poison) -> Cause {
    let envelope = Attributes::of(message).envelope().ok();
    let key = || String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
    Cause {
        event_id: envelope.as_ref().map_or_else(|| id_of_place(message), |envelope| envelope.event_id),
        recipient: Uuid::nil(),
        aggregate_type: kind.as_str(),
        aggregate_id: envelope.as_ref().map_or_else(key, |envelope| envelope.aggregate_id.to_owned()),
        sequence: envelope.as_ref().map_or(0, |envelope| envelope.sequence),
        position: envelope.as_ref().map_or(Position::ORIGIN, |envelope| envelope.position),
        event_type: envelope.map_or_else(String::new, |envelope| envelope.event_type.to_owned()),
        record: (message.partition(), message.offset()),
        poison: Some(unquoted(&fault.to_string())),
    }
}

/// The text without what stands in double quotes: there, JSON's reader shows the values that it stumbles over.
pub(super) fn unquoted(text: &str) -> String {
    let parts: Vec<&str> = text.split('"').collect();
    let shown = parts.iter().enumerate().map(|(place, part)| if place % 2 == 0 { *part } else { "…" });
    shown.collect::<Vec<_>>().join("\"")
}

/// An id for a record that has none: the same each time that it is read.
fn id_of_place(message: &BorrowedMessage<'_>) -> EventId {
    let place = format!("{}/{}/{}", message.topic(), message.partition(), message.offset());
    let digest = Sha256::digest(place);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EventId(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn values_are_taken_out() {
        let fault = r#"invalid type: string "ada@example.com", expected u64 at line 1"#;
        assert_eq!(unquoted(fault), r#"invalid type: string "…", expected u64 at line 1"#);
    }
}
