//! `GET /v1/ops/dead-letters`: what consumers parked, as it was published to the dead-letter topic, the newest first.
//! What a record says, which may be personal, is for keys that may read history too.
//!
//! It is the one thing under `/v1` for which Kafka is asked, by a process that was told where that is: `orders serve`,
//! and `orders api` with `KAFKA_BROKERS`. Whoever has no Kafka sees what is parked, and decides on it, all the same:
//! the ledger is in PostgreSQL.

use super::super::paging::{List, PageRequest};
use super::super::reads::json;
use super::traced;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::{ReadEvents, RunSystem};
use crate::http::overloaded;
use crate::http::query::Query;
use crate::problem::{Code, Problem};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::KafkaSettings;
use consumers::parked::letters::{self, Letter, Page, Place};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many pages are read at once: each takes a thread and connections of its own.
const MAX_AT_ONCE: usize = 4;

/// Where dead letters are read; cheap to clone.
#[derive(Clone)]
pub(crate) struct DeadLetters {
    kafka: Option<KafkaSettings>,
    places: Arc<Semaphore>,
}

impl DeadLetters {
    /// In a process that knows of no Kafka.
    pub(crate) fn nowhere() -> Self {
        Self::of(None)
    }

    /// In that Kafka, if there is one.
    pub(crate) fn of(kafka: Option<KafkaSettings>) -> Self {
        Self { kafka, places: Arc::new(Semaphore::new(MAX_AT_ONCE)) }
    }

    /// The newest letters before the offset `before`.
    pub(crate) async fn page(&self, before: Option<i64>, limit: u32) -> Result<Page, Problem> {
        let kafka = self.kafka.clone().ok_or_else(not_configured)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| overloaded())?;
        // Whoever hangs up leaves a thread behind that reads on for a while: the place is its.
        let reading = tokio::spawn(async move {
            let page = letters::browse(&kafka, before, limit).await;
            drop(place);
            page
        });
        let page = reading.await.map_err(|_| Problem::internal())?;
        page.map_err(|error| {
            // Why is for the log alone: it names servers.
            tracing::warn!(%error, "dead letters can't be read");
            Problem::new(Code::KafkaUnavailable, "GET /v1/ops/parked shows what is parked without it; or try again.")
        })
    }
}

fn not_configured() -> Problem {
    Problem::new(
        Code::KafkaNotConfigured,
        "Set KAFKA_BROKERS for this process too, or ask one that has it. GET /v1/ops/parked shows what is parked without it.",
    )
}

/// Why there is no value for who may not read history.
const NOT_SHOWN: &str = "it is shown to keys with the scope `analyst`";

/// Where a record was before it was parked.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecordPlace")]
struct PlaceResource<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
}

impl<'a> From<&'a Place> for PlaceResource<'a> {
    fn from(place: &'a Place) -> Self {
        Self { topic: &place.topic, partition: place.partition, offset: place.offset }
    }
}

/// A record of the dead-letter topic.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub(super) struct LetterResource<'a> {
    /// Its offset; the topic has one partition.
    offset: i64,
    /// By which it is retried or discarded under `/v1/ops/parked`; `null` for a record that is none of ours.
    item: Option<i64>,
    consumer: Option<&'a str>,
    /// The event's type; `null` for a record that says none.
    #[serde(rename = "type")]
    event_type: Option<&'a str>,
    /// The record's key: the id of its aggregate.
    key: Option<&'a str>,
    /// The event's place in the log.
    position: Option<u64>,
    /// What the last attempt came to.
    reason: Option<&'a str>,
    attempts: Option<u32>,
    /// When it was parked, by RFC 3339. A second copy of a letter has the same `item` and time.
    parked_at: Option<&'a str>,
    came_from: Option<PlaceResource<'a>>,
    /// The request's id; without the scope `analyst` only one that is a UUID.
    correlation_id: Option<&'a str>,
    /// The record's value as text, which may be personal: `null` for a key without the scope `analyst`.
    value: Option<&'a str>,
    /// Why there is no value although the record has one.
    value_omitted: Option<&'a str>,
}

impl<'a> LetterResource<'a> {
    /// What the record says, and what a client calls its request, is for whoever may read history.
    fn of(letter: &'a Letter, reads_history: bool) -> Self {
        Self {
            offset: letter.offset,
            item: letter.item,
            consumer: letter.consumer.as_deref(),
            event_type: letter.event_type.as_deref(),
            key: letter.key.as_deref(),
            position: letter.position,
            reason: letter.reason.as_deref(),
            attempts: letter.attempts,
            parked_at: letter.parked_at.as_deref(),
            came_from: letter.came_from.as_ref().map(PlaceResource::from),
            correlation_id: letter.correlation_id.as_deref().and_then(|id| traced::request_id(id, reads_history)),
            value: letter.value.as_deref().filter(|_| reads_history),
            value_omitted: letter.value_omitted.as_deref().or((!reads_history).then_some(NOT_SHOWN)),
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let list = List::new("dead_letters", "");
    let before = page.after::<u64>(&list)?.map(u64::cast_signed);
    let found = app.dead_letters.page(before, page.limit).await?;
    let next = found.before.map(i64::unsigned_abs);
    let reads_history = allowed.also::<ReadEvents>();
    let letters = found.letters.iter().rev().map(|letter| LetterResource::of(letter, reads_history));
    Ok(json(list.page(letters.collect(), next.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_says_is_for_who_may_read_history() {
        let letter = Letter {
            offset: 12,
            item: Some(7),
            consumer: Some("order_mail".to_owned()),
            event_type: Some("OrderPlaced".to_owned()),
            key: None,
            position: None,
            reason: Some("550 mailbox unavailable".to_owned()),
            attempts: Some(1),
            parked_at: None,
            came_from: None,
            correlation_id: Some("ada@example.com".to_owned()),
            value: Some("{\"OrderPlaced\":{}}".to_owned()),
            value_omitted: None,
        };
        let (without, with) = (LetterResource::of(&letter, false), LetterResource::of(&letter, true));
        assert_eq!((without.value, without.reason), (None, Some("550 mailbox unavailable")));
        assert_eq!(without.value_omitted, Some(NOT_SHOWN));
        assert_eq!((without.correlation_id, with.correlation_id), (None, Some("ada@example.com")));
        assert_eq!((with.value, with.value_omitted), (Some("{\"OrderPlaced\":{}}"), None));
    }
}
