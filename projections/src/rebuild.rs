//! Makes a build of a view beside the one that serves, from where the view starts to the log's head, then lets it
//! serve.
//!
//! Readers keep the old rows until one transaction swaps ([`promotion`](crate::promotion)). Killed half-way, a build
//! goes on from its checkpoint when it is started again.

use crate::build::{self, Begun, Build, CHANGE_AT_MOST, State};
use crate::checkpoint::{self, Checkpoint};
use crate::dropping;
use crate::error::RunError;
use crate::feed::Feed;
use crate::indexes;
use crate::projection::Definition;
use crate::promotion::Promotion;
use crate::recorded::{self, unless_done};
use crate::step::Writer;
use crate::views::Views;
use commands::{audit, db};
use domain::Position;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often a build is brought up to date again that somebody else moves on meanwhile.
const ATTEMPTS: usize = 100;
/// How a rebuild is called in the log of what operators did.
const ACTION: &str = "projection.rebuild";

/// Told after each batch how far a build is.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

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

/// What a rebuild, or an exchange of builds, came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The build's schema. It serves from now on, unless that was left to a person.
    pub schema: String,
    /// Every event up to here is in it.
    pub position: Position,
}

/// Builds the view `name` anew with this process's settings and promotes it. `progress` is called after every batch.
/// `by` says who asks, for the record.
///
/// May run beside a [`run`](crate::run) of the same view in this or another process. On [`RunError::Cancelled`], and
/// after a crash, the next call goes on where this one ended. What a person decides meanwhile counts:
/// [`RunError::LeftReady`] where another build is let serve, or it was asked that this one waits. [`RunError::IsKept`]
/// where one is there that waits to be compared.
pub async fn rebuild(
    views: &Views,
    name: &str,
    by: &str,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, RunError> {
    make(views, name, by, Then::Promote, cancel, progress).await
}

/// The same, but the build waits for a person to compare and to [`promote`](crate::promote) it. Called again, it brings
/// it up to the head of then.
pub async fn build_beside(
    views: &Views,
    name: &str,
    by: &str,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, RunError> {
    make(views, name, by, Then::Wait, cancel, progress).await
}

/// What becomes of a build that has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It serves from then on.
    Promote,
    /// It waits for a person.
    Wait,
    /// What was asked for last of one that was begun.
    AsAsked,
    /// The same of the first of its version, which is begun by itself; it serves, where nobody asked for anything else.
    First,
}

/// Why a build waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// That is what was asked for.
    AsAsked,
    /// It was to serve, and a person decided otherwise meanwhile.
    Instead,
}

async fn make(
    views: &Views,
    name: &str,
    by: &str,
    then: Then,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, RunError> {
    let definition = views.entry(name)?.definition;
    let outcome = Builder::new(views, definition, cancel).asked_by(by).run(then, progress).await;
    let arguments = json!({ "promote": then == Then::Promote });
    let action = recorded::action(by, ACTION, definition.name, arguments);
    rebuilt(views, unless_done(views.pool(), action, outcome).await?).await
}

/// Where a build is by now.
pub(crate) async fn rebuilt(views: &Views, build: Build) -> Result<Rebuilt, RunError> {
    let last = db::read(views.pool(), async |session| checkpoint::load(session, &build).await).await?;
    let position = last.map_or(Position::ORIGIN, |last| last.position);
    Ok(Rebuilt { schema: build.schema, position })
}

/// Makes one build, or brings one up to date.
pub(crate) struct Builder<'a> {
    views: &'a Views,
    definition: &'static Definition,
    cancel: &'a CancellationToken,
    by: Option<&'a str>,
    started: Instant,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(views: &'a Views, definition: &'static Definition, cancel: &'a CancellationToken) -> Self {
        Self { views, definition, cancel, by: None, started: Instant::now() }
    }

    /// The same on behalf of a person, for the record.
    pub(crate) fn asked_by(self, by: &'a str) -> Self {
        Self { by: Some(by), ..self }
    }

    /// Goes on with a build or begins one; returns it once it serves, or waits to. One that waits for a person waits
    /// on, where nobody asks for it. [`RunError::Overtaken`] where somebody else was first, and there is nothing to
    /// make any more.
    pub(crate) async fn run(&self, then: Then, progress: OnProgress<'_>) -> Result<Build, RunError> {
        let settings = build::settings_of(self.definition, self.views.settings());
        let begun = build::find_or_create(self.views.log(), self.definition, &settings, then).await?;
        let Begun { mut build, beside } = begun.ok_or(RunError::Overtaken { name: self.definition.name })?;
        if build.state == State::Ready && matches!(then, Then::AsAsked | Then::First) {
            return Ok(build);
        }
        let outcome = self.complete(&mut build, beside.as_deref(), then, progress).await;
        self.keep_error(&build, outcome).await?;
        if build.state != State::Active {
            tracing::info!(projection = self.definition.name, schema = build.schema, "the build waits to be promoted");
            return Ok(build);
        }
        if let Err(error) = dropping::drop_unused(self.views.pool(), self.definition).await {
            tracing::info!(%error, "builds that nobody reads can't be looked for, and stay until the next promotion");
        }
        Ok(build)
    }

    /// Brings a finished build up to date, and lets it serve.
    pub(crate) async fn exchange(
        &self,
        build: &mut Build,
        promotion: &Promotion<'_>,
        progress: OnProgress<'_>,
    ) -> Result<(), RunError> {
        // Refuses what a restore has left.
        self.load(build).await?;
        self.promote(build, promotion, progress).await
    }

    /// Keeps, where every process can see it, what does not pass by itself.
    async fn keep_error<T>(&self, build: &Build, outcome: Result<T, RunError>) -> Result<T, RunError> {
        if let Err(error) = &outcome
            && !error.is_transient()
            && !matches!(error, RunError::Cancelled)
        {
            build::set_error(self.views.pool(), &build.schema, Some(&error.to_string())).await?;
        }
        outcome
    }

    /// Fills, indexes and catches up, then promotes or waits. `beside` is the build that served when it was begun.
    async fn complete(
        &self,
        build: &mut Build,
        beside: Option<&str>,
        then: Then,
        progress: OnProgress<'_>,
    ) -> Result<(), RunError> {
        let pool = self.views.pool();
        build::set_error(pool, &build.schema, None).await?;
        self.bring_up(build, progress).await?;
        if build.state == State::Filling {
            indexes::make(pool, self.definition, build, self.cancel).await?;
            self.bring_up(build, progress).await?;
        }
        let promotes = match then {
            Then::Promote => true,
            Then::Wait => false,
            Then::AsAsked | Then::First => self.is_to_serve(build).await?,
        };
        if !promotes {
            return self.leave_ready(build, Left::AsAsked).await;
        }
        let promotion = Promotion::new(self.views, self.definition).recorded(self.by, ACTION);
        let promotion = match then {
            // It takes the place of another version, whichever build of that serves by then.
            Then::First => promotion,
            _ => promotion.begun_beside(beside),
        };
        match self.promote(build, &promotion, progress).await {
            Err(left @ RunError::LeftReady { .. }) => {
                self.leave_ready(build, Left::Instead).await?;
                if then == Then::First { Ok(()) } else { Err(left) }
            }
            outcome => outcome,
        }
    }

    /// What was asked for last.
    async fn is_to_serve(&self, build: &Build) -> Result<bool, sqlx::Error> {
        db::read(self.views.pool(), async |session| build::promotes(session, &build.schema).await).await
    }

    /// Has it wait for a person. [`RunError::Overtaken`] where it does not: it was promoted or dropped meanwhile, or is
    /// to serve by now.
    async fn leave_ready(&self, build: &mut Build, left: Left) -> Result<(), RunError> {
        let (pool, schema) = (self.views.pool(), build.schema.clone());
        db::work(pool, CHANGE_AT_MOST, async |session| self.leave_ready_on(session, &schema, left).await).await?;
        build.state = State::Ready;
        Ok(())
    }

    async fn leave_ready_on(&self, session: &mut PgConnection, schema: &str, left: Left) -> Result<(), RunError> {
        let name = self.definition.name;
        let mut transaction = session.begin().await?;
        if !build::set_ready(&mut transaction, schema, left == Left::Instead).await? {
            // The error says more than one of the rollback could.
            let _ = transaction.rollback().await;
            return Err(RunError::Overtaken { name });
        }
        // Where it was to serve, what came of that is taken down by whoever asked for it.
        if let Some(by) = self.by.filter(|_| left == Left::AsAsked) {
            let arguments = json!({ "build": schema, "promote": false });
            audit::append(&mut transaction, &recorded::action(by, ACTION, name, arguments)).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn promote(
        &self,
        build: &mut Build,
        promotion: &Promotion<'_>,
        progress: OnProgress<'_>,
    ) -> Result<(), RunError> {
        while !promotion.run(build).await? {
            self.bring_up(build, progress).await?;
        }
        build.state = State::Active;
        tracing::info!(projection = self.definition.name, schema = build.schema, "the build serves");
        Ok(())
    }

    /// Brings it up to the head of the log, beside whoever is at the same: a retired build may be followed, and one
    /// that was begun for a person be gone on with by a runner that found no other.
    async fn bring_up(&self, build: &Build, progress: OnProgress<'_>) -> Result<(), RunError> {
        let mut attempts_left = ATTEMPTS;
        loop {
            let checkpoint = self.load(build).await?;
            match self.fill(build, checkpoint, progress).await {
                Err(RunError::Overtaken { .. }) if attempts_left > 0 => attempts_left -= 1,
                filled => return filled,
            }
        }
    }

    /// Where the build is; refuses one that has seen events which the log does not have.
    async fn load(&self, build: &Build) -> Result<Checkpoint, RunError> {
        let name = self.definition.name;
        let loaded = db::read(self.views.pool(), async |session| checkpoint::load(session, build).await).await?;
        let checkpoint = loaded.ok_or(RunError::Overtaken { name })?;
        let (position, head) = (checkpoint.position, self.views.log().head().await?);
        if position > head {
            let rebuild = build::rebuild_command(name, &build.settings);
            return Err(RunError::AheadOfLog { name, position, head, rebuild });
        }
        Ok(checkpoint)
    }

    fn writer<'b>(&self, build: &'b Build) -> Writer<'b>
    where
        'a: 'b,
    {
        Writer::new(self.views, self.definition, build)
    }

    /// Applies batches up to the head of the log.
    async fn fill(&self, build: &Build, mut checkpoint: Checkpoint, progress: OnProgress<'_>) -> Result<(), RunError> {
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
                    None => Ok(()),
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
}
