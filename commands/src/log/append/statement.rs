//! The one statement that writes a batch.

use super::batch::Batch;
use crate::idempotency::OrderedLines;
use chrono::{DateTime, Utc};
use domain::Position;
use sqlx::PgConnection;
use uuid::Uuid;

/// Locks the log, then inserts everything behind its end. Every insert selects from the lock, so nothing is locked,
/// and no position taken, before it.
macro_rules! append {
    ($kept:literal) => {
        concat!(
            "
WITH head AS MATERIALIZED (SELECT last_position, at FROM log_lock()),
appended AS (
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        event_id, position, recorded_at)
    SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, e.payload::json,
           e.metadata::json, e.event_id, head.last_position + e.nth, head.at
      FROM head, unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                        $8::uuid[])
           WITH ORDINALITY AS e(aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                                event_id, nth)
)",
            $kept,
            "
SELECT last_position, at FROM head"
        )
    };
}

/// Events alone.
const APPEND: &str = append!("");

/// Events, and the answers kept under idempotency keys.
const APPEND_WITH_KEYS: &str = append!(
    ", kept AS (
    INSERT INTO idempotency_keys (key_digest, request_digest, status, location, etag, body, cart_id, cart_lines,
                                  position, created_at)
    SELECT k.key_digest, k.request_digest, k.status, k.location, k.etag, k.body, k.cart_id, k.cart_lines::jsonb,
           head.last_position + k.last_nth, head.at
      FROM head, unnest($9::bytea[], $10::bytea[], $11::smallint[], $12::text[], $13::text[], $14::text[],
                        $15::uuid[], $16::text[], $17::bigint[])
           AS k(key_digest, request_digest, status, location, etag, body, cart_id, cart_lines, last_nth)
)"
);

/// Where a batch was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// The position before its first event.
    pub last_position: Position,
    /// The time that all its events carry.
    pub recorded_at: DateTime<Utc>,
}

/// Writes a batch in the session's transaction, or in one of its own if the session is in none.
pub(super) async fn write(session: &mut PgConnection, batch: &Batch) -> Result<Written, sqlx::Error> {
    let (events, keys) = (EventColumns::of(batch), KeyColumns::of(batch));
    let sql = if keys.key_digests.is_empty() { APPEND } else { APPEND_WITH_KEYS };
    let mut query = sqlx::query_as::<_, (i64, DateTime<Utc>)>(sql)
        .bind(events.aggregate_types)
        .bind(events.aggregate_ids)
        .bind(events.sequences)
        .bind(events.event_types)
        .bind(events.event_versions)
        .bind(events.payloads)
        .bind(events.metadata)
        .bind(events.event_ids);
    if !keys.key_digests.is_empty() {
        query = query
            .bind(keys.key_digests)
            .bind(keys.request_digests)
            .bind(keys.statuses)
            .bind(keys.locations)
            .bind(keys.etags)
            .bind(keys.bodies)
            .bind(keys.cart_ids)
            .bind(keys.cart_lines)
            .bind(keys.last_nths);
    }
    fail::fail_point!("append.before");
    let (last_position, recorded_at) = query.fetch_one(session).await?;
    fail::fail_point!("append.after");
    Ok(Written { last_position: Position::from_i64(last_position), recorded_at })
}

#[derive(Default)]
struct EventColumns<'a> {
    aggregate_types: Vec<&'a str>,
    aggregate_ids: Vec<&'a str>,
    sequences: Vec<i64>,
    event_types: Vec<&'a str>,
    event_versions: Vec<&'a str>,
    payloads: Vec<&'a str>,
    metadata: Vec<&'a str>,
    event_ids: Vec<Uuid>,
}

impl<'a> EventColumns<'a> {
    fn of(batch: &'a Batch) -> Self {
        let mut columns = Self::default();
        for proposal in &batch.proposals {
            for event in &proposal.prepared().events {
                columns.aggregate_types.push(&event.aggregate_type);
                columns.aggregate_ids.push(&event.aggregate_id);
                columns.sequences.push(event.sequence.cast_signed());
                columns.event_types.push(&event.event_type);
                columns.event_versions.push(&event.event_version);
                columns.payloads.push(&event.payload);
                columns.metadata.push(&event.metadata);
                columns.event_ids.push(event.event_id.0);
            }
        }
        columns
    }
}

#[derive(Default)]
struct KeyColumns<'a> {
    key_digests: Vec<&'a [u8]>,
    request_digests: Vec<&'a [u8]>,
    statuses: Vec<i16>,
    locations: Vec<Option<&'a str>>,
    etags: Vec<Option<&'a str>>,
    bodies: Vec<&'a str>,
    cart_ids: Vec<Option<Uuid>>,
    cart_lines: Vec<Option<String>>,
    /// The place within the batch, from 1, of the last event up to here: the answer's own, if it has any.
    last_nths: Vec<i64>,
}

impl<'a> KeyColumns<'a> {
    fn of(batch: &'a Batch) -> Self {
        let mut columns = Self::default();
        let mut nth = 0;
        for proposal in &batch.proposals {
            let prepared = proposal.prepared();
            nth += prepared.events.len();
            let Some(answer) = &prepared.answer else { continue };
            columns.key_digests.push(&answer.key_digest);
            columns.request_digests.push(&answer.request_digest);
            columns.statuses.push(answer.status.cast_signed());
            columns.locations.push(answer.location.as_deref());
            columns.etags.push(answer.etag.as_deref());
            columns.bodies.push(&answer.body);
            columns.cart_ids.push(answer.ordered.as_ref().map(|ordered| ordered.cart_id));
            columns.cart_lines.push(answer.ordered.as_ref().map(OrderedLines::to_json));
            columns.last_nths.push(i64::try_from(nth).unwrap_or(i64::MAX));
        }
        columns
    }
}
