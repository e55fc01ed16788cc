//! After a lost reply to a commit: find out whether it is on disk.
//!
//! Looking is not enough: the server process that had the statement may still be about to commit it. It is ended
//! first, and only when it is gone does the log tell the truth.

use super::batch::Batch;
use super::connection::Backend;
use super::proposal::{Outcome, Prepared};
use super::statement::Written;
use super::{Away, Worker};
use chrono::{DateTime, Utc};
use domain::Position;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};

/// How long to try before the outcome is called unknown. Clients wait for it.
const RESOLVE_AT_MOST: Duration = Duration::from_secs(10);
/// The pause between tries.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the server may take to end the process that had the statement, in milliseconds.
const END_AT_MOST_MS: i64 = 3_000;

/// What a statement that took too long comes to.
pub(super) const LOST: fn() -> sqlx::Error = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());

impl Worker {
    /// Settles a batch whose reply was lost by what the log holds.
    pub(super) async fn resolve(
        &mut self,
        batch: Batch,
        backend: Backend,
        error: &sqlx::Error,
        started: Instant,
    ) -> Result<(), Away> {
        metrics::counter!("orders_append_replies_lost_total").increment(1);
        tracing::warn!(%error, "the reply to a commit was lost; looking up what became of it");
        match tokio::time::timeout(RESOLVE_AT_MOST, find(self.log.pool(), &batch, &backend)).await {
            Ok(Some(written)) => self.settle_committed(batch, written, started),
            Ok(None) => batch.settle_all(&Outcome::Overtaken),
            Err(_) => {
                tracing::error!("whether a batch was written could not be found out; its clients are told so");
                batch.settle_all(&Outcome::Unknown);
                return Err(Away(error.to_string()));
            }
        }
        Ok(())
    }
}

/// Tries until the database answers; the caller bounds it.
async fn find(pool: &PgPool, batch: &Batch, backend: &Backend) -> Option<Written> {
    loop {
        match find_once(pool, batch, backend).await {
            Ok(found) => return found,
            Err(error) => tracing::debug!(%error, "looking up a lost commit failed; trying again"),
        }
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
    }
}

async fn find_once(pool: &PgPool, batch: &Batch, backend: &Backend) -> Result<Option<Written>, sqlx::Error> {
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    end(&mut session, backend).await?;
    // A batch is written whole or not at all: its first trace stands for all of it.
    for proposal in &batch.proposals {
        let prepared = proposal.prepared();
        if let Some(first) = prepared.events.first() {
            let stream = proposal.stream();
            let found: Option<(i64, DateTime<Utc>)> = sqlx::query_as(
                "SELECT position, recorded_at FROM events
                  WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3 AND event_id = $4",
            )
            .bind(stream.kind.as_str())
            .bind(&*stream.id)
            .bind((prepared.based_on + 1).cast_signed())
            .bind(first.event_id.0)
            .fetch_optional(&mut session)
            .await?;
            return Ok(found.map(|(position, recorded_at)| written_before(position, recorded_at)));
        }
    }
    find_key(&mut session, batch).await
}

/// The first event with its position gives the place before the batch: proposals before it had no events.
fn written_before(position: i64, recorded_at: DateTime<Utc>) -> Written {
    Written { last_position: Position::from_i64(position - 1), recorded_at }
}

/// For a batch without events: its first key. Whose key that is was decided when it was written, and is looked at by
/// the gateway.
async fn find_key(session: &mut PgConnection, batch: &Batch) -> Result<Option<Written>, sqlx::Error> {
    let key = batch.proposals.iter().find_map(|proposal| {
        let Prepared { answer, .. } = proposal.prepared();
        answer.as_ref().map(|answer| (answer.key_digest, answer.request_digest))
    });
    let Some((key_digest, request_digest)) = key else { return Ok(None) };
    let found: Option<(i64, DateTime<Utc>)> = sqlx::query_as(
        "SELECT position, created_at FROM idempotency_keys WHERE key_digest = $1 AND request_digest = $2",
    )
    .bind(key_digest.as_slice())
    .bind(request_digest.as_slice())
    .fetch_optional(session)
    .await?;
    Ok(found.map(|(position, recorded_at)| Written { last_position: Position::from_i64(position), recorded_at }))
}

/// Ends the server process that had the statement, and waits until it is gone.
async fn end(session: &mut PgConnection, backend: &Backend) -> Result<(), sqlx::Error> {
    let gone: Option<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2",
    )
    .bind(backend.pid)
    .bind(&backend.started_at)
    .bind(END_AT_MOST_MS)
    .fetch_optional(&mut *session)
    .await?;
    if gone == Some(false) {
        // Still there: no answer may rest on what the log shows now.
        return Err(LOST());
    }
    Ok(())
}
