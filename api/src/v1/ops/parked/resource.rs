//! An item as it is answered, and as the command line prints it.

use super::super::super::time;
use super::super::traced;
use crate::openapi::Instant;
use chrono::{DateTime, Utc};
use commands::StoredEvent;
use consumers::parked::{Attempt, Detail, Parked};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// An effect that needs a person, or waits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Parked")]
pub(crate) struct ParkedResource<'a> {
    id: i64,
    consumer: &'a str,
    /// `parked`, `unknown` where the last reply was lost, or `waiting`; of one that is asked for by its id, any that
    /// there is.
    state: &'static str,
    /// What the last attempt came to.
    reason: Option<&'a str>,
    /// How often it was tried; from 0 again when somebody has one tried again that was parked or unknown.
    attempts: u32,
    /// The event's type; empty for a record that is none of ours.
    #[serde(rename = "type")]
    event_type: &'a str,
    event_id: String,
    /// The event's place in the log; 0 for a record that is none of ours.
    position: u64,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    /// The partition of its record; `null` where an older program noted it.
    partition: Option<i32>,
    /// The offset of its record there.
    offset: Option<i64>,
    message_id: Option<&'a str>,
    /// How many later effects of its aggregate wait for it.
    holds: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    noted_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    since: DateTime<Utc>,
    /// When it is tried next, if it waits; `null` while an earlier one of its order holds it.
    #[schemars(with = "Option<Instant>")]
    next_at: Option<String>,
}

impl<'a> From<&'a Parked> for ParkedResource<'a> {
    fn from(item: &'a Parked) -> Self {
        let (partition, offset) = item.record.unzip();
        Self {
            id: item.id,
            consumer: &item.consumer,
            state: item.state.as_str(),
            reason: item.reason.as_deref(),
            attempts: item.attempts,
            event_type: &item.event_type,
            event_id: item.event_id.to_string(),
            position: item.position.0,
            aggregate_type: &item.aggregate_type,
            aggregate_id: &item.aggregate_id,
            partition,
            offset,
            message_id: item.message_id.as_deref(),
            holds: item.holds,
            noted_at: item.noted_at,
            since: item.since,
            next_at: item.next_at.map(time::text),
        }
    }
}

/// An attempt that did not end well.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FailedAttempt")]
pub(crate) struct AttemptResource<'a> {
    number: u32,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    at: DateTime<Utc>,
    /// What the effect became by it: `waiting`, `parked` or `unknown`.
    state: &'static str,
    /// What the server answered, or why there was no answer.
    answer: &'a str,
}

impl<'a> From<&'a Attempt> for AttemptResource<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self { number: attempt.number, at: attempt.at, state: attempt.state.as_str(), answer: &attempt.answer }
    }
}

/// An effect that waits for an item.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HeldEffect")]
struct HeldResource<'a> {
    id: i64,
    #[serde(rename = "type")]
    event_type: &'a str,
    position: i64,
}

/// The event of an item, as it stands in the log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ParkedEvent")]
struct EventResource {
    version: String,
    sequence: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    recorded_at: DateTime<Utc>,
    /// A flat object of texts: who asked, when, to which request and trace it belongs. For a key without the scope
    /// `analyst` it is without what a client may have chosen.
    #[schemars(with = "HashMap<String, String>")]
    metadata: Option<Box<RawValue>>,
    /// What happened, as it is stored: tagged with the type. It may hold personal data, and is `null` for a key without
    /// the scope `analyst`.
    #[schemars(with = "Option<HashMap<String, Value>>")]
    payload: Option<Box<RawValue>>,
}

impl EventResource {
    fn of(event: &StoredEvent, reads_history: bool) -> Self {
        let payload = reads_history.then(|| event.payload.clone());
        Self {
            version: event.event_version.to_string(),
            sequence: event.sequence,
            recorded_at: event.recorded_at,
            metadata: traced::metadata(&event.metadata, reads_history),
            payload: payload.and_then(|payload| RawValue::from_string(payload).ok()),
        }
    }
}

/// An item, with all that is known of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ParkedItem")]
pub(crate) struct ItemResource<'a> {
    item: ParkedResource<'a>,
    /// Who had it tried again, or discarded it, last.
    decided_by: Option<&'a str>,
    /// How often it was tried in all; `attempts` begins anew when somebody has it tried again that was parked or
    /// unknown.
    tries: u32,
    /// The newest 20 attempts that did not end well, the oldest first.
    failed_attempts: Vec<AttemptResource<'a>>,
    /// What waits for it, the first 50.
    held: Vec<HeldResource<'a>>,
    /// The topic of its record.
    topic: Option<&'a str>,
    /// The request's id; without the scope `analyst` only one that is a UUID.
    correlation_id: Option<String>,
    traceparent: Option<String>,
    /// `null` for a record that is none of the log's: the dead-letter topic has it.
    event: Option<EventResource>,
}

impl<'a> ItemResource<'a> {
    /// What the event says, and what a client calls its request, is for whoever may read history.
    pub(crate) fn of(detail: &'a Detail, reads_history: bool) -> Self {
        let metadata: HashMap<String, String> =
            detail.event.as_ref().and_then(|event| serde_json::from_str(&event.metadata).ok()).unwrap_or_default();
        let correlation_id = metadata.get("correlation_id").and_then(|id| traced::request_id(id, reads_history));
        let held = detail.held.iter();
        Self {
            item: ParkedResource::from(&detail.item),
            decided_by: detail.decided_by.as_deref(),
            tries: detail.tries,
            failed_attempts: detail.attempts.iter().map(AttemptResource::from).collect(),
            held: held
                .map(|held| HeldResource { id: held.id, event_type: &held.event_type, position: held.position })
                .collect(),
            topic: detail.topic.as_deref(),
            correlation_id: correlation_id.map(str::to_owned),
            traceparent: metadata.get("traceparent").cloned(),
            event: detail.event.as_ref().map(|event| EventResource::of(event, reads_history)),
        }
    }
}
