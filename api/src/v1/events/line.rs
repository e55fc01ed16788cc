//! One event as one line of JSON.

use super::super::time;
use crate::openapi::Instant;
use commands::StoredEvent;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Why an event can't be written as a line.
#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} is no JSON: {source}")]
pub struct LineError {
    position: u64,
    source: serde_json::Error,
}

/// An event of the history.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventLine")]
pub(in crate::v1) struct Line<'e> {
    position: u64,
    event_id: String,
    #[serde(rename = "type")]
    event_type: &'e str,
    version: &'e str,
    aggregate_type: &'e str,
    aggregate_id: &'e str,
    sequence: u64,
    #[schemars(with = "Instant")]
    recorded_at: String,
    /// A flat object of texts.
    #[schemars(with = "HashMap<String, String>")]
    metadata: &'e RawValue,
    /// What happened, as it was stored.
    #[schemars(with = "HashMap<String, Value>")]
    data: &'e RawValue,
}

impl<'e> Line<'e> {
    /// The event as it is written. `data` is what happened, without the tag that names the type: the line names it.
    ///
    /// Unknown types and versions are written as well: an export needs no understanding.
    pub(super) fn of(event: &'e StoredEvent) -> Result<Self, LineError> {
        let failed = |source| LineError { position: event.position.0, source };
        Ok(Self {
            position: event.position.0,
            event_id: event.event_id.to_string(),
            event_type: &event.event_type,
            version: &event.event_version,
            aggregate_type: &event.aggregate_type,
            aggregate_id: &event.aggregate_id,
            sequence: event.sequence,
            recorded_at: time::text(event.recorded_at),
            metadata: serde_json::from_str(&event.metadata).map_err(failed)?,
            data: data(event)?,
        })
    }
}

/// Appends the event and a line feed.
pub fn write(out: &mut Vec<u8>, event: &StoredEvent) -> Result<(), LineError> {
    write_bare(out, event)?;
    out.push(b'\n');
    Ok(())
}

/// Appends the event. There is no line feed in it.
pub(super) fn write_bare(out: &mut Vec<u8>, event: &StoredEvent) -> Result<(), LineError> {
    let failed = |source| LineError { position: event.position.0, source };
    serde_json::to_writer(&mut *out, &Line::of(event)?).map_err(failed)
}

/// What happened, without the tag that names the type.
pub(super) fn data(event: &StoredEvent) -> Result<&RawValue, LineError> {
    untagged(event).map_err(|source| LineError { position: event.position.0, source })
}

/// What is inside `{"<type>":…}`; all of a payload that is not tagged so.
fn untagged(event: &StoredEvent) -> Result<&RawValue, serde_json::Error> {
    let tagged: Result<HashMap<&str, &RawValue>, _> = serde_json::from_str(&event.payload);
    match tagged {
        Ok(members) if members.len() == 1 && members.contains_key(&*event.event_type) => {
            Ok(members[&*event.event_type])
        }
        _ => serde_json::from_str(&event.payload),
    }
}
