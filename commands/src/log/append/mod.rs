//! Appending: group commit of everything that waits at this moment.
//!
//! One task per process owns one connection. It takes what has gathered in its queue, decides again what another
//! proposal of this batch or of the one before overtook, and writes all of it by one statement with one flush to disk.
//! No delay is added: an idle system commits a lone command at once, a busy one batches by itself.
//!
//! What can go wrong has a place of its own: a version or a key that another process took ([`checked`]), and a reply
//! to the commit that was lost ([`resolve`]).

mod batch;
mod checked;
mod connection;
mod proposal;
mod resolve;
mod statement;

pub(crate) use proposal::{KeptAnswer, Outcome, Prepared, Proposal, Rebased, StreamId, Tip};

use super::Log;
use crate::db;
use batch::Batch;
use connection::{Backend, Connection};
use futures::FutureExt;
use statement::Written;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How many proposals may wait for the next batch.
const QUEUE_PROPOSALS: usize = 8_192;
/// How long one statement may take before its outcome counts as lost.
const STATEMENT_AT_MOST: Duration = Duration::from_secs(5);

/// The way into the log; cheap to clone.
#[derive(Clone)]
pub(crate) struct Appender {
    queue: mpsc::Sender<Box<dyn Proposal>>,
}

impl Appender {
    /// Starts the task that appends. On `cancel` it writes what waits and ends.
    pub(crate) fn start(log: Log, cancel: CancellationToken, tracker: &TaskTracker) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_PROPOSALS);
        tracker.spawn(Worker { log, connection: Connection::default() }.run(waiting, cancel));
        Self { queue }
    }

    /// Hands a proposal in. Its [`Proposal::settle`] is called once, unless it comes back here: the queue is full, or
    /// the program is stopping.
    pub(crate) fn submit(&self, proposal: Box<dyn Proposal>) -> Result<(), Box<dyn Proposal>> {
        self.queue.try_send(proposal).map_err(|error| match error {
            TrySendError::Full(proposal) | TrySendError::Closed(proposal) => proposal,
        })
    }

    /// How many proposals wait for the next batch.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether proposals are taken in.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }
}

/// The database is away: its reason, for those who wait.
struct Away(String);

struct Worker {
    log: Log,
    connection: Connection,
}

impl Worker {
    async fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Proposal>>, cancel: CancellationToken) {
        // More than nothing when something did not fit the batch before.
        let mut gathered = Vec::new();
        loop {
            if gathered.is_empty() {
                tokio::select! {
                    count = waiting.recv_many(&mut gathered, batch::MAX_PROPOSALS) => if count == 0 { return },
                    () = cancel.cancelled(), if !waiting.is_closed() => { waiting.close(); continue }
                }
            }
            while gathered.len() < batch::MAX_PROPOSALS
                && let Ok(proposal) = waiting.try_recv()
            {
                gathered.push(proposal);
            }
            let batch = Batch::arrange(&mut gathered);
            // A fault of ours in one batch must not end the only task that appends. Its clients are told that the
            // outcome is unknown, as their replies are dropped with it.
            let span = batch.span();
            let appending = AssertUnwindSafe(self.append(batch)).catch_unwind().instrument(span);
            let outcome = appending.await.unwrap_or_else(|_panic| {
                tracing::error!("appending a batch panicked");
                self.connection.close();
                Ok(())
            });
            if let Err(Away(reason)) = outcome {
                // Who waits behind a database that is away is told at once, not one time-out after the other.
                let outcome = Outcome::Unavailable(reason);
                gathered.drain(..).for_each(|proposal| proposal.settle(outcome.clone()));
                while let Ok(proposal) = waiting.try_recv() {
                    proposal.settle(outcome.clone());
                }
            }
        }
    }

    async fn append(&mut self, batch: Batch) -> Result<(), Away> {
        metrics::histogram!("orders_append_batch_events").record(batch.event_count() as f64);
        let started = Instant::now();
        let (batch, backend) = self.connect(batch).await?;
        let written =
            self.connection.within(STATEMENT_AT_MOST, async |session| statement::write(session, &batch).await);
        match written.await {
            Ok(written) => {
                self.settle_committed(batch, written, started);
                Ok(())
            }
            Err(error) if db::violated_constraint(&error).is_some() => {
                metrics::counter!("orders_append_conflicts_total").increment(1);
                self.append_checked(batch, started).await
            }
            Err(error) if db::is_stale_plan(&error) => {
                self.connection.close();
                self.append_checked(batch, started).await
            }
            // What one of them carries: the others go on without it.
            Err(error) if db::is_about_data(&error) => self.append_checked(batch, started).await,
            Err(error) => self.after_error(batch, backend, error, started).await,
        }
    }

    /// Makes sure that there is a connection for `batch`.
    async fn connect(&mut self, batch: Batch) -> Result<(Batch, Backend), Away> {
        match self.connection.open(&self.log).await {
            Ok(backend) => Ok((batch, backend)),
            Err(error) => {
                let reason = error.to_string();
                batch.settle_all(&Outcome::Unavailable(reason.clone()));
                Err(Away(reason))
            }
        }
    }

    /// No version and no key was in the way: the server refused, or its reply was lost.
    async fn after_error(
        &mut self,
        batch: Batch,
        backend: Backend,
        error: sqlx::Error,
        started: Instant,
    ) -> Result<(), Away> {
        if !db::surely_undone(&error) {
            return self.resolve(batch, backend, &error, started).await;
        }
        tracing::warn!(%error, "PostgreSQL refused a batch; nothing of it was written");
        let reason = error.to_string();
        batch.settle_all(&Outcome::Unavailable(reason.clone()));
        // It can't write now: its disk is full, its lock is held, it became a standby. On another connection it may.
        self.connection.close();
        Err(Away(reason))
    }

    fn settle_committed(&self, batch: Batch, written: Written, started: Instant) {
        let database = started.elapsed();
        metrics::histogram!("orders_append_seconds").record(database.as_secs_f64());
        metrics::histogram!("orders_append_batch_commands").record(batch.proposals.len() as f64);
        self.log.meter().written(batch.proposals.len() as u64, batch.event_count());
        let committed = batch.committed(&written);
        // Before the clients hear of it: who asks for what was just acknowledged finds it here.
        self.log.shared.recent.append(&committed.events);
        if let Some(last) = committed.events.last() {
            self.log.shared.history.saw(last.position, last.event_id);
        }
        self.log.announce(committed.head, committed.catalogue_changed);
        committed.settle(database);
    }
}
