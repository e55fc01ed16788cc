//! One record against the event that it should carry.

use crate::cloud_event;
use crate::relay::AHEAD_AT_MOST;
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
    hold("timestamp", record.timestamp().to_millis().is_some_and(|time| is_time_of(event, time)));
    for wanted in cloud_event::headers(event, source).iter() {
        let found = record.headers().and_then(|headers| headers.iter().find(|header| header.key == wanted.key));
        hold(wanted.key, found.is_some_and(|found| found.value == wanted.value));
    }
    parts
}

/// Whether a record of the event can have this time, in milliseconds since 1970. Where the log's time was far ahead of
/// the relay's, it is the relay's: a time at which the event had occurred.
fn is_time_of(event: &StoredEvent, time_ms: i64) -> bool {
    let behind_ms = event.recorded_at.timestamp_millis() - time_ms;
    let had_occurred = || {
        let occurred_at = event.recorded().map(|recorded| recorded.metadata.occurred_at);
        occurred_at.is_ok_and(|occurred_at| (occurred_at - AHEAD_AT_MOST).timestamp_millis() <= time_ms)
    };
    behind_ms == 0 || (behind_ms >= AHEAD_AT_MOST.num_milliseconds() && had_occurred())
}
