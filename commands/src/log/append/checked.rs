//! The second try, when the first met a conflict or was refused what it carries: lock, look, write what still holds.
//!
//! A version or a key that another process took fails the whole statement, neighbours included. Looking before every
//! append would cost a quarter of the throughput, so it is done only here. Under the lock nothing can change between
//! looking and writing: this try does not fail by a conflict.
//!
//! What PostgreSQL never takes, whatever is in it, fails the whole statement too. It is found by halving, so that it
//! fails alone.

use super::batch::Batch;
use super::proposal::{Outcome, Proposal, StreamId};
use super::statement::{self, Written};
use super::{Away, STATEMENT_AT_MOST, Worker};
use crate::db;
use sqlx::{Connection as _, PgConnection};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

impl Worker {
    /// Writes the proposals of `batch` that still hold, and hands the others back.
    pub(super) async fn append_checked(&mut self, batch: Batch, started: Instant) -> Result<(), Away> {
        // The last comes first, so that the parts are written in order.
        let mut parts = vec![batch];
        let mut broken = Broken::new();
        while let Some(part) = parts.pop() {
            match self.append_part(part, &mut broken, started).await {
                Ok(None) => {}
                Ok(Some((first, second))) => parts.extend([second, first]),
                Err(Away(reason)) => {
                    parts.into_iter().for_each(|part| part.settle_all(&Outcome::Unavailable(reason.clone())));
                    return Err(Away(reason));
                }
            }
        }
        Ok(())
    }

    /// The halves of what was refused for what a part of it carries; else the part is settled.
    async fn append_part(
        &mut self,
        part: Batch,
        broken: &mut Broken,
        started: Instant,
    ) -> Result<Option<(Batch, Batch)>, Away> {
        let (part, backend) = self.connect(part).await?;
        // Outlives the attempt: after a lost reply the winners are what has to be looked up.
        let mut winners = part;
        let writing = async |session: &mut PgConnection| write_winners(session, &mut winners, broken).await;
        let outcome = self.connection.within(STATEMENT_AT_MOST, writing).await;
        match outcome {
            Ok(Some(written)) => self.settle_committed(winners, written, started),
            Ok(None) => {}
            Err(error) if db::is_about_data(&error) => match winners.halves() {
                Ok(halves) => return Ok(Some(halves)),
                Err(single) => {
                    broken.extend(single.streams());
                    tracing::error!(%error, "PostgreSQL never takes what a command carries; nothing of it was written");
                    single.settle_all(&Outcome::NotStorable(error.to_string()));
                }
            },
            Err(error) => {
                broken.extend(winners.streams());
                self.after_error(winners, backend, error, started).await?;
            }
        }
        Ok(None)
    }
}

/// Settles those of `batch` that lost, and leaves the winners in it.
async fn write_winners(
    session: &mut PgConnection,
    batch: &mut Batch,
    broken: &mut Broken,
) -> Result<Option<Written>, sqlx::Error> {
    let mut transaction = session.begin().await?;
    sqlx::query("SELECT log_lock()").execute(&mut *transaction).await?;
    let present = Present::look_up(&mut transaction, batch).await?;
    let (kept, lost) = present.sort(std::mem::take(&mut batch.proposals), broken);
    batch.proposals = kept;
    for (proposal, outcome) in lost {
        proposal.settle(outcome);
    }
    if batch.proposals.is_empty() {
        transaction.rollback().await?;
        return Ok(None);
    }
    let written = statement::write(&mut transaction, batch).await?;
    fail::fail_point!("commit.before");
    transaction.commit().await?;
    fail::fail_point!("commit.after");
    Ok(Some(written))
}

/// The streams of proposals that are not written, as far as is known: what comes after them in the batch was decided on
/// what they would have left.
type Broken = HashSet<StreamId>;

/// Proposals that are not written, each with the reason.
type Lost = Vec<(Box<dyn Proposal>, Outcome)>;

/// What the database holds of the streams and keys of a batch.
struct Present {
    versions: HashMap<StreamId, u64>,
    keys: HashSet<Vec<u8>>,
}

impl Present {
    async fn look_up(session: &mut PgConnection, batch: &Batch) -> Result<Self, sqlx::Error> {
        let streams: Vec<StreamId> = batch.proposals.iter().map(|proposal| proposal.stream().clone()).collect();
        let versions: Vec<i64> = sqlx::query_scalar(
            "SELECT coalesce((SELECT max(sequence) FROM events AS e
                               WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id), 0)
               FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s(aggregate_type, aggregate_id, nth)
              ORDER BY nth",
        )
        .bind(db::column(&streams, |stream| stream.kind.as_str()))
        .bind(db::column(&streams, |stream| &*stream.id))
        .fetch_all(&mut *session)
        .await?;
        let digests: Vec<&[u8]> = batch
            .proposals
            .iter()
            .filter_map(|proposal| proposal.prepared().answer.as_ref())
            .map(|answer| answer.key_digest.as_slice())
            .collect();
        let keys = sqlx::query_scalar("SELECT key_digest FROM idempotency_keys WHERE key_digest = ANY($1)")
            .bind(digests)
            .fetch_all(session)
            .await?;
        let versions = streams.into_iter().zip(versions.into_iter().map(i64::unsigned_abs)).collect();
        Ok(Self { versions, keys: keys.into_iter().collect() })
    }

    /// Tells apart what still holds. What comes after a loser in its stream loses with it, also where the stream has
    /// the version by now that it names: that is another one than it was decided on.
    fn sort(mut self, proposals: Vec<Box<dyn Proposal>>, broken: &mut Broken) -> (Vec<Box<dyn Proposal>>, Lost) {
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for proposal in proposals {
            let prepared = proposal.prepared();
            let changes_nothing = prepared.events.is_empty();
            let version = self.versions.entry(proposal.stream().clone()).or_default();
            let outcome = if broken.contains(proposal.stream()) && !changes_nothing {
                Outcome::Overtaken
            } else if prepared.answer.as_ref().is_some_and(|answer| self.keys.contains(answer.key_digest.as_slice())) {
                Outcome::KeyTaken
            } else if *version != prepared.based_on && !changes_nothing {
                Outcome::Overtaken
            } else {
                *version += prepared.events.len() as u64;
                self.keys.extend(prepared.answer.as_ref().map(|answer| answer.key_digest.to_vec()));
                kept.push(proposal);
                continue;
            };
            if !changes_nothing {
                broken.insert(proposal.stream().clone());
            }
            lost.push((proposal, outcome));
        }
        (kept, lost)
    }
}
