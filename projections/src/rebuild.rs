//! Makes a build of a view beside the one that serves, from the log's origin to its head, then lets it serve.
//!
//! Readers keep the old rows until one transaction swaps, and never see the view go back: the swap holds the old build
//! where it is, brings the new one at least as far, and changes the registry's row. Killed half-way, a build goes on
//! from its checkpoint when it is started again.

use crate::build::{self, Build, State};
use crate::checkpoint::{self, Checkpoint};
use crate::error::RunError;
use crate::feed::{Feed, read_batch};
use crate::projection::Definition;
use crate::step::{STEP_AT_MOST, Writer};
use crate::views::Views;
use commands::db;
use domain::Position;
use sqlx::{Connection, Executor, PgConnection};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// So near to the build that serves, the rest is applied while that one is held.
const PROMOTE_WITHIN_EVENTS: u64 = 1_000;

/// How far a build has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Events applied, those of an earlier run too.
    pub done_events: u64,
    /// Events in the log at this moment.
    pub total_events: u64,
    /// Since this run began.
    pub events_per_second: f64,
    /// Time left at that rate; `None` before there is one.
    pub left: Option<Duration>,
}

/// What a rebuild came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The schema that serves from now on.
    pub schema: String,
    /// Every event up to here is in it.
    pub position: Position,
}

/// Builds the view `name` anew with this process's settings and promotes it. `progress` is called after every batch.
///
/// May run beside a [`run`](crate::run) of the same view in this or another process. On
/// [`RunError::Cancelled`], and after a crash, the next call goes on where this one ended.
pub async fn rebuild(
    views: &Views,
    name: &str,
    cancel: &CancellationToken,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Rebuilt, RunError> {
    let definition = views.entry(name)?.definition;
    let build = Builder::new(views, definition, cancel).run(progress).await?;
    let mut connection = views.pool().acquire().await?;
    let position = checkpoint::load(&mut connection, &build).await?.map_or(Position::ORIGIN, |last| last.position);
    Ok(Rebuilt { schema: build.schema, position })
}

/// Makes and promotes one build.
pub(crate) struct Builder<'a> {
    views: &'a Views,
    definition: &'static Definition,
    cancel: &'a CancellationToken,
    started: Instant,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(views: &'a Views, definition: &'static Definition, cancel: &'a CancellationToken) -> Self {
        Self { views, definition, cancel, started: Instant::now() }
    }

    /// Goes on with a build or begins one, and lets it serve; returns it.
    pub(crate) async fn run(&self, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Build, RunError> {
        let pool = self.views.pool();
        let settings = build::settings_of(self.definition, self.views.settings());
        let identity = self.views.log().identity();
        let mut build = build::find_or_create(pool, self.definition, &settings, identity).await?;
        if let Err(error) = self.complete(&mut build, progress).await {
            if !error.is_transient() && !matches!(error, RunError::Cancelled) {
                build::set_error(pool, &build.schema, Some(&error.to_string())).await?;
            }
            return Err(error);
        }
        tracing::info!(projection = self.definition.name, schema = build.schema, "the build serves");
        if let Err(error) = build::drop_unused(pool, self.definition).await {
            tracing::info!(%error, "builds that nobody reads stay until the next promotion");
        }
        Ok(build)
    }

    /// Fills, indexes, catches up and promotes.
    async fn complete(&self, build: &mut Build, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<(), RunError> {
        let mut checkpoint = self.load(build).await?;
        let head = self.views.log().head().await?;
        if checkpoint.position > head {
            let (name, position) = (self.definition.name, checkpoint.position);
            let rebuild = build::rebuild_command(name, &build.settings);
            return Err(RunError::AheadOfLog { name, position, head, rebuild });
        }
        loop {
            checkpoint = self.fill(build, checkpoint, progress).await?;
            if build.state == State::Filling {
                build::make_indexes(self.views.pool(), self.definition, build).await?;
                checkpoint = self.fill(build, checkpoint, progress).await?;
            }
            if self.promote(build, checkpoint).await? {
                build.state = State::Active;
                return Ok(());
            }
        }
    }

    async fn load(&self, build: &Build) -> Result<Checkpoint, RunError> {
        let mut connection = self.views.pool().acquire().await?;
        let loaded = checkpoint::load(&mut connection, build).await?;
        loaded.ok_or(RunError::Overtaken { name: self.definition.name })
    }

    fn writer<'b>(&self, build: &'b Build) -> Writer<'b>
    where
        'a: 'b,
    {
        let time_zone = self.views.settings().time_zone;
        Writer { pool: self.views.pool(), definition: self.definition, build, time_zone }
    }

    /// Applies batches up to the head of the log.
    async fn fill(
        &self,
        build: &Build,
        mut checkpoint: Checkpoint,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Checkpoint, RunError> {
        let begin = checkpoint.position;
        let mut feed = Feed::new(self.views.log(), self.definition.wants, begin);
        loop {
            if self.cancel.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            let batch = feed.next().await?;
            if batch.is_empty() {
                return match batch.fault {
                    Some(fault) => Err(RunError::Unreadable { name: self.definition.name, fault }),
                    None => Ok(checkpoint),
                };
            }
            checkpoint = self.writer(build).step(checkpoint, &batch).await?;
            progress(self.progress(begin, checkpoint.position));
        }
    }

    fn progress(&self, begin: Position, at: Position) -> Progress {
        let total_events = self.views.log().known_head().0.max(at.0);
        let events_per_second = (at.0 - begin.0) as f64 / self.started.elapsed().as_secs_f64().max(f64::EPSILON);
        let left = Duration::try_from_secs_f64((total_events - at.0) as f64 / events_per_second).ok();
        Progress { done_events: at.0, total_events, events_per_second, left }
    }

    /// Lets the build serve, in one transaction. `false` when the one that serves has run too far ahead meanwhile.
    async fn promote(&self, build: &Build, checkpoint: Checkpoint) -> Result<bool, RunError> {
        let pool = self.views.pool();
        db::work(pool, STEP_AT_MOST, async |session| self.promote_on(session, build, checkpoint).await).await
    }

    async fn promote_on(
        &self,
        connection: &mut PgConnection,
        build: &Build,
        checkpoint: Checkpoint,
    ) -> Result<bool, RunError> {
        let mut transaction = connection.begin().await?;
        let promoted = self.promote_in(&mut transaction, build, checkpoint).await;
        if let Ok(true) = promoted {
            transaction.commit().await?;
        } else {
            // The error that led here says more than one of the rollback could.
            let _ = transaction.rollback().await;
        }
        promoted
    }

    async fn promote_in(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        mut checkpoint: Checkpoint,
    ) -> Result<bool, RunError> {
        let name = self.definition.name;
        build::lock_registry(transaction, name).await?;
        if let Some(served) = build::active(transaction, name).await? {
            if served.version > build.version {
                return Err(RunError::NewerVersion { name, served: served.version, own: build.version });
            }
            let Some(sealed) = build::seal(transaction, &served).await? else { return Ok(false) };
            // A view of another log, or one ahead of a restored log, holds positions that say nothing here.
            if served.log == build.log && sealed.position <= self.views.log().head().await? {
                match self.catch_up(transaction, build, checkpoint, sealed.position).await? {
                    Some(level) => checkpoint = level,
                    None => return Ok(false),
                }
            }
            build::set_state(transaction, &served.schema, State::Retired).await?;
        }
        let serving = Checkpoint { serves: true, ..checkpoint.next(checkpoint.position) };
        if !checkpoint::advance(transaction, build, checkpoint, serving).await? {
            return Err(RunError::Overtaken { name });
        }
        build::set_state(transaction, &build.schema, State::Active).await?;
        sqlx::query(
            "INSERT INTO public.projections (name, active_schema) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET active_schema = excluded.active_schema",
        )
        .bind(name)
        .bind(&build.schema)
        .execute(&mut *transaction)
        .await?;
        Ok(true)
    }

    /// Applies what the build that serves has and this one has not; `None` when that is too much to hold it for.
    async fn catch_up(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        mut checkpoint: Checkpoint,
        level: Position,
    ) -> Result<Option<Checkpoint>, RunError> {
        if level.0.saturating_sub(checkpoint.position.0) > PROMOTE_WITHIN_EVENTS {
            return Ok(None);
        }
        let writer = self.writer(build);
        transaction.execute(writer.search_path().as_str()).await?;
        while checkpoint.position < level {
            let batch = read_batch(self.views.log(), self.definition.wants, checkpoint.position).await?;
            if batch.is_empty() {
                return match batch.fault {
                    Some(fault) => Err(RunError::Unreadable { name: self.definition.name, fault }),
                    None => Ok(None),
                };
            }
            checkpoint = writer.write(transaction, checkpoint, &batch).await?;
        }
        Ok(Some(checkpoint))
    }
}
