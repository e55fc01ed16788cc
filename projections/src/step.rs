//! One step of a view: a batch's rows and the checkpoint, in one transaction.

use crate::build::Build;
use crate::checkpoint::{self, Checkpoint};
use crate::error::RunError;
use crate::feed::Batch;
use crate::projection::Definition;
use crate::view_transaction::ViewTransaction;
use crate::views::Views;
use chrono_tz::Tz;
use commands::db;
use domain::{Event, Position, Recorded};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

/// How long one step may take.
pub(crate) const STEP_AT_MOST: Duration = Duration::from_secs(60);

/// Writes to one build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pool: &'a PgPool,
    definition: &'static Definition,
    build: &'a Build,
    time_zone: Tz,
}

impl<'a> Writer<'a> {
    /// Writes to a build that was made with this process's settings.
    pub(crate) fn new(views: &'a Views, definition: &'static Definition, build: &'a Build) -> Self {
        Self { pool: views.pool(), definition, build, time_zone: views.settings().time_zone }
    }

    /// Applies a batch and moves the checkpoint on from `from`. [`RunError::Overtaken`] when another writer was first.
    ///
    /// Where it is cut off half-way, or the server says nothing for long, its session is thrown away, and whether the
    /// step was taken is not known: the checkpoint tells.
    pub(crate) async fn step(&self, from: Checkpoint, batch: &Batch) -> Result<Checkpoint, RunError> {
        db::work(self.pool, STEP_AT_MOST, async |connection| self.step_on(connection, from, batch).await).await
    }

    async fn step_on(
        &self,
        connection: &mut PgConnection,
        from: Checkpoint,
        batch: &Batch,
    ) -> Result<Checkpoint, RunError> {
        // Nobody is told that this commit is durable, and nothing is lost with it: rows and checkpoint go together, and
        // the log, which is on disk before it can be read, gives them back. Waiting for a flush here would only make
        // the appends, who must wait for theirs, queue behind it.
        let begin = format!("BEGIN; SET LOCAL synchronous_commit = off; {}", self.search_path());
        let mut transaction = connection.begin_with(begin).await?;
        let next = match self.write(&mut transaction, from, batch).await {
            Ok(next) => next,
            Err(error) => {
                // The error that led here says more than one of the rollback could.
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        fail::fail_point!("projection_commit.before");
        transaction.commit().await?;
        fail::fail_point!("projection_commit.after");
        self.measure(batch);
        checkpoint::sweep(connection, self.build, next).await?;
        Ok(next)
    }

    /// The statement that makes unqualified names the build's own until the transaction ends.
    pub(crate) fn search_path(&self) -> String {
        format!("SET LOCAL search_path TO {}", self.build.schema)
    }

    /// Writes a step into the caller's transaction, whose search path is the build's; returns the checkpoint behind it.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        from: Checkpoint,
        batch: &Batch,
    ) -> Result<Checkpoint, RunError> {
        let name = self.definition.name;
        let next = from.next(batch.through());
        if !checkpoint::advance(connection, self.build, from, next).await? {
            return Err(RunError::Overtaken { name });
        }
        apply(self.definition, self.time_zone, connection, batch).await?;
        Ok(next)
    }

    fn measure(&self, batch: &Batch) {
        let (name, events) = (self.definition.name, batch.event_count());
        metrics::counter!("orders_projection_events_total", "projection" => name).increment(events as u64);
        metrics::histogram!("orders_projection_batch_events", "projection" => name).record(events as f64);
    }
}

/// Writes the rows of a batch, and nothing else, into the caller's transaction, whose search path is the build's.
pub(crate) async fn apply(
    definition: &'static Definition,
    time_zone: Tz,
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<(), RunError> {
    let failed = apply_events(definition, time_zone, connection, &batch.wanted()).await;
    failed.map_err(|error| match error {
        // The batch's own bounds: what was not wanted belongs to it too.
        RunError::Failed { name, fault, .. } => {
            RunError::Failed { name, first: Position(batch.after().0 + 1), last: batch.through(), fault }
        }
        other => other,
    })
}

/// The same with events by themselves, all of them wanted.
pub(crate) async fn apply_events(
    definition: &'static Definition,
    time_zone: Tz,
    connection: &mut PgConnection,
    events: &[&Recorded<Event>],
) -> Result<(), RunError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
    let mut view = ViewTransaction::new(connection, time_zone);
    let applied = (definition.apply)(events, &mut view).await;
    let (name, first, last) = (definition.name, first.position, last.position);
    applied.map_err(|fault| RunError::Failed { name, first, last, fault })
}
