//! One record against the event that it should carry.

use crate::cloud_event;
use commands::StoredEvent;
use rdkafka::message::{Headers, Message, OwnedMessage};

/// The parts of a record that do not say what the log says, by name: `key`, `value`, `timestamp`, and headers. A header
/// that the program does not write is not looked at.
pub(super) fn differing(record: &OwnedMessage, event: &StoredEvent, source: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut hold = |name: &str, is_same: bool| {
        if !is_same {
            parts.push(name.to_owned());
        }
    };
    hold("key", record.key() == Some(event.aggregate_id.as_bytes()));
    hold("value", record.payload() == Some(event.payload.as_bytes()));
    // Earlier where the log's time was ahead of the relay's when it was published; the header holds the exact one.
    hold("timestamp", record.timestamp().to_millis().is_some_and(|time| time <= event.recorded_at.timestamp_millis()));
    for wanted in cloud_event::headers(event, source).iter() {
        let found = record.headers().and_then(|headers| headers.iter().find(|header| header.key == wanted.key));
        hold(wanted.key, found.is_some_and(|found| found.value == wanted.value));
    }
    parts
}
