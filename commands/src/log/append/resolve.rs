//! After a lost reply to a commit: find out whether it is on disk.
//!
//! Looking is not enough: the server process that had the statement may still be about to commit it. It is ended
//! first, and only when it is gone does the log tell the truth.

use super::batch::Batch;
use super::connection::Backend;
use super::proposal::Outcome;
use super::statement::Written;
use super::{Away, Worker};
use crate::db;
use chrono::{DateTime, Utc};
use domain::Position;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};

/// How long after its begin the outcome of a batch is called unknown. Clients wait for it.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);
/// How long to try in any case, however long the statement itself took.
const TRY_AT_LEAST: Duration = Duration::from_secs(4);
/// The pause between tries.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the server may take to end the process that had the statement, in milliseconds.
const END_AT_MOST_MS: i64 = 3_000;

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
        let at_most = KNOWN_WITHIN.saturating_sub(started.elapsed()).max(TRY_AT_LEAST);
        match db::within(at_most, find(self.log.pool(), &batch, backend)).await {
            Ok(Some(written)) => self.settle_committed(batch, written, started),
            // It would take as long again, for each of its attempts.
            Ok(None) if db::is_timed_out(error) => {
                batch.settle_all(&Outcome::Unavailable(error.to_string()));
                return Err(Away(error.to_string()));
            }
            Ok(None) => batch.settle_all(&Outcome::Overtaken),
            Err(_late) => {
                tracing::error!("whether a batch was written could not be found out; its clients are told so");
                batch.settle_all(&Outcome::Unknown);
                return Err(Away(error.to_string()));
            }
        }
        Ok(())
    }
}

/// Tries until the database answers; the caller bounds it.
async fn find(pool: &PgPool, batch: &Batch, backend: Backend) -> Option<Written> {
    loop {
        match find_once(pool, batch, backend).await {
            Ok(found) => return found,
            Err(error) => tracing::debug!(%error, "looking up a lost commit failed; trying again"),
        }
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
    }
}

async fn find_once(pool: &PgPool, batch: &Batch, backend: Backend) -> Result<Option<Written>, sqlx::Error> {
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    end(&mut session, backend).await?;
    let found = find_events(&mut session, batch).await?;
    // Found or not, that is known by now.
    let _ = session.close().await;
    Ok(found)
}

/// Where a batch stands in the log. It is written whole or not at all, so its first event stands for all of it.
///
/// One without events is decided again: that changes nothing, and who wrote its keys meanwhile shows then.
async fn find_events(session: &mut PgConnection, batch: &Batch) -> Result<Option<Written>, sqlx::Error> {
    let first = batch.proposals.iter().find_map(|proposal| proposal.prepared().events.first());
    let Some(first) = first else { return Ok(None) };
    let found: Option<(i64, DateTime<Utc>)> = sqlx::query_as(
        "SELECT position, recorded_at FROM events
          WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3 AND event_id = $4",
    )
    .bind(&*first.aggregate_type)
    .bind(&*first.aggregate_id)
    .bind(first.sequence.cast_signed())
    .bind(first.event_id.0)
    .fetch_optional(session)
    .await?;
    // What is before it in the batch has no events, so the batch begins at its position.
    Ok(found.map(|(position, recorded_at)| Written { last_position: Position::from_i64(position - 1), recorded_at }))
}

/// Ends the server process that had the statement, and waits until it is gone.
async fn end(session: &mut PgConnection, backend: Backend) -> Result<(), sqlx::Error> {
    let (standby, gone): (bool, Option<bool>) = sqlx::query_as(
        "SELECT pg_is_in_recovery(), (SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity
                                       WHERE pid = $1 AND backend_start = $2)",
    )
    .bind(backend.pid)
    .bind(backend.started_at)
    .bind(END_AT_MOST_MS)
    .fetch_one(session)
    .await?;
    // Still there, or a server that may not have the commit yet: no answer may rest on what the log shows now.
    if standby || gone == Some(false) { Err(db::timed_out()) } else { Ok(()) }
}
