//! Appending: group commit of everything that waits at this moment.
//!
//! One task per process owns one connection. It takes what has gathered in its queue, decides again what another
//! proposal of the same batch overtook, and writes all of it by one statement with one flush to disk. No delay is
//! added: an idle system commits a lone command at once, a busy one batches by itself.
//!
//! What can go wrong has a place of its own: a version or a key that another process took ([`checked`]), and a reply
//! to the commit that was lost ([`resolve`]).

mod batch;
mod checked;
mod connection;
mod proposal;
mod resolve;
mod statement;

pub(crate) use proposal::{KeptAnswer, NewEvent, Outcome, Prepared, Proposal, Rebased, StreamId, Tip};

use super::{Log, StoredEvent};
use crate::db;
use batch::Batch;
use connection::{Backend, Connection};
use domain::Position;
use futures::FutureExt;
use statement::Written;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many proposals may wait for the next batch.
const QUEUE_PROPOSALS: usize = 8_192;
/// How long one statement may take before its outcome counts as lost.
const STATEMENT_AT_MOST: Duration = Duration::from_secs(10);

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
        let mut gathered = Vec::new();
        // What did not fit the batch before.
        let mut held_over = Vec::new();
        loop {
            if held_over.is_empty() {
                tokio::select! {
                    count = waiting.recv_many(&mut gathered, batch::MAX_PROPOSALS) => if count == 0 { return },
                    () = cancel.cancelled(), if !waiting.is_closed() => { waiting.close(); continue }
                }
            } else {
                gathered.append(&mut held_over);
                while gathered.len() < batch::MAX_PROPOSALS
                    && let Ok(proposal) = waiting.try_recv()
                {
                    gathered.push(proposal);
                }
            }
            let batch = Batch::arrange(&mut gathered, &mut held_over);
            // A fault of ours in one batch must not end the only task that appends. Its clients are told that the outcome
            // is unknown, as their replies are dropped with it.
            let outcome = AssertUnwindSafe(self.append(batch)).catch_unwind().await.unwrap_or_else(|_panic| {
                tracing::error!("appending a batch panicked");
                self.connection.close();
                Ok(())
            });
            if let Err(Away(reason)) = outcome {
                // Who waits behind a database that is away is told at once, not one time-out after the other.
                while let Some(proposal) = held_over.pop().or_else(|| waiting.try_recv().ok()) {
                    proposal.settle(Outcome::Unavailable(reason.clone()));
                }
            }
        }
    }

    async fn append(&mut self, batch: Batch) -> Result<(), Away> {
        metrics::histogram!("orders_append_batch_events").record(batch.event_count() as f64);
        if batch.writes_nothing() {
            batch.settle_unwritten();
            return Ok(());
        }
        let started = Instant::now();
        let (batch, backend) = self.connect(batch).await?;
        let written =
            self.connection.within(STATEMENT_AT_MOST, async |session| statement::write(session, &batch).await);
        match written.await {
            Ok(written) => {
                self.settle_written(batch, written, started);
                Ok(())
            }
            Err(error) => self.append_otherwise(batch, backend, error, started).await,
        }
    }

    /// Makes sure that there is a connection for `batch`.
    async fn connect(&mut self, batch: Batch) -> Result<(Batch, Backend), Away> {
        match self.connection.open(self.log.pool()).await {
            Ok(backend) => Ok((batch, backend)),
            Err(error) => {
                let reason = error.to_string();
                batch.settle_all(|| Outcome::Unavailable(reason.clone()));
                Err(Away(reason))
            }
        }
    }

    /// The plain statement failed: another process was first, the reply was lost, or the server refused.
    async fn append_otherwise(
        &mut self,
        batch: Batch,
        backend: Backend,
        error: sqlx::Error,
        started: Instant,
    ) -> Result<(), Away> {
        if db::violated_constraint(&error).is_some() {
            metrics::counter!("orders_append_conflicts_total").increment(1);
            return self.append_checked(batch, started).await;
        }
        if db::is_stale_plan(&error) {
            self.connection.close();
            return self.append_checked(batch, started).await;
        }
        self.after_error(batch, backend, error, started).await
    }

    async fn after_error(
        &mut self,
        batch: Batch,
        backend: Backend,
        error: sqlx::Error,
        started: Instant,
    ) -> Result<(), Away> {
        if db::surely_undone(&error) {
            tracing::warn!(%error, "PostgreSQL refused a batch; nothing of it was written");
            batch.settle_all(|| Outcome::Unavailable(error.to_string()));
            return Ok(());
        }
        self.resolve(batch, backend, &error, started).await
    }

    fn settle_written(&self, batch: Batch, written: Written, started: Instant) {
        let database = started.elapsed();
        metrics::histogram!("orders_append_seconds").record(database.as_secs_f64());
        let head = Position(written.last_position.0 + batch.event_count());
        let (events, products_changed) = batch.settle_written(&written, database);
        let events: Vec<Arc<StoredEvent>> = events.into_iter().map(Arc::new).collect();
        self.log.shared.recent.append(&events);
        self.log.announce(head, products_changed);
    }
}
