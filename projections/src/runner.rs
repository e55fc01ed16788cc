//! Follows the log with one view.
//!
//! One instance leads at a time; that saves work and no more, as two at once do no harm: each step is a compare and set
//! on the checkpoint. Nothing is skipped: on an event that can't be read the view stops, says which, and keeps that in
//! its build's row. What passes by itself (PostgreSQL away or restarting) is tried again with growing pauses.

use crate::asked;
use crate::build::{self, Build, State};
use crate::checkpoint::{self, Checkpoint};
use crate::error::RunError;
use crate::feed::Feed;
use crate::projection::Definition;
use crate::reading::{self, lease_name};
use crate::rebuild::{Builder, Then};
use crate::status::ReaderState;
use crate::step::Writer;
use crate::views::{Entry, Views};
use commands::{Lead, db};
use sqlx::PgConnection;
use std::time::Duration;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// The pause before the first retry, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait for events before looking at the log all the same.
const IDLE_AT_MOST: Duration = Duration::from_secs(5);

/// How often a view of which this program has no build to follow looks whether it has by now.
const PROMOTION_LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs the view `name` until `cancel`: waits for the lead, builds the view if this version of it never was, and
/// follows the log. Where another version serves, it goes on with the build of its own that served last, for the
/// programs that read that.
///
/// Returns an error when the view stopped for a reason that does not pass by itself; its text says what to do.
/// Meanwhile and afterwards [`Views::statuses`] tells the same.
pub async fn run(views: &Views, name: &str, cancel: &CancellationToken) -> Result<(), RunError> {
    let entry = views.entry(name)?;
    let mut runner = Runner { views, entry, cancel, pause: FIRST_PAUSE, schema: None };
    let outcome = runner.run().await;
    match &outcome {
        Ok(()) => entry.tell(ReaderState::Elsewhere),
        Err(error) => runner.stopped(error).await,
    }
    outcome
}

struct Runner<'a> {
    views: &'a Views,
    entry: &'a Entry,
    cancel: &'a CancellationToken,
    /// Before the next retry; back at the first one after every step.
    pause: Duration,
    /// The build at work, once it is known.
    schema: Option<String>,
}

/// Why following ended without an error.
enum End {
    Cancelled,
    /// Another may lead by now.
    LeadLost,
    /// Another build was promoted.
    Superseded,
}

impl Runner<'_> {
    async fn run(&mut self) -> Result<(), RunError> {
        loop {
            match self.lead().await {
                Ok(End::Cancelled) | Err(RunError::Cancelled) => return Ok(()),
                Ok(End::LeadLost | End::Superseded) => {}
                Err(error) if error.is_transient() => {
                    tracing::warn!(projection = self.definition().name, %error, "the view waits and tries again");
                    self.entry.tell(ReaderState::Retrying(error.to_string()));
                    if self.cancel.run_until_cancelled(tokio::time::sleep(self.pause)).await.is_none() {
                        return Ok(());
                    }
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) if error.ends_with_a_promotion() => {
                    if self.cancel.run_until_cancelled(self.wait_for_promotion(&error)).await.is_none() {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Says why the view stops here, and waits until there is a build that this program follows, or one to go on with.
    async fn wait_for_promotion(&self, error: &RunError) {
        let name = self.definition().name;
        tracing::error!(projection = name, %error, "the view stops until a build of this program's version is promoted");
        self.entry.tell(ReaderState::AwaitsPromotion(error.to_string()));
        loop {
            tokio::time::sleep(PROMOTION_LOOK_EVERY).await;
            let pool = self.views.pool();
            let own = db::read(pool, async |session| reading::to_follow(session, self.definition()).await).await;
            let waits = match error {
                RunError::AwaitsPromotion { build, .. } => build::of_schema(pool, name, build)
                    .await
                    .map(|build| build.is_some_and(|build| build.state == State::Ready)),
                _ => Ok(true),
            };
            if matches!((own, waits), (Ok(Some(_)), _) | (_, Ok(false))) {
                return;
            }
        }
    }

    fn definition(&self) -> &'static Definition {
        self.entry.definition
    }

    async fn lead(&mut self) -> Result<End, RunError> {
        let Definition { name, version, .. } = *self.definition();
        self.entry.tell(ReaderState::Standby);
        let lease = lease_name(name, version);
        let acquired = self.cancel.run_until_cancelled(Lead::acquire(self.views.log(), &lease)).await;
        let Some(lead) = acquired.transpose()? else { return Ok(End::Cancelled) };
        tracing::info!(projection = name, token = lead.token(), "this instance leads the view");
        self.lead_with(lead).await
    }

    /// Follows what is active, and makes what is asked for beside it, as long as the lead is held.
    async fn lead_with(&mut self, lead: Lead) -> Result<End, RunError> {
        // Of its own: what is asked for is to end behind what is followed, whose step in hand must not be cut off.
        let stop = CancellationToken::new();
        let _stops = stop.clone().drop_guard();
        let mut making = tokio::spawn(asked::keep_making(self.views.clone(), self.definition(), stop.clone()));
        let outcome = tokio::select! {
            outcome = self.follow_active() => outcome,
            // Also in the midst of a step, on a connection that says nothing any more: another leads, or may by now.
            () = lead.lost() => Ok(End::LeadLost),
            ended = &mut making => match ended.map_err(JoinError::try_into_panic) {
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // The runtime is going down, and we with it.
                _ => return Ok(End::Cancelled),
            },
        };
        // Before anything is waited for: how far the view is, others tell from now on.
        self.entry.tell(match &outcome {
            Ok(_) => ReaderState::Standby,
            Err(error) => ReaderState::Retrying(error.to_string()),
        });
        stop.cancel();
        // Whoever stands by need not wait for what ends with its step in hand.
        lead.release().await;
        let _ = making.await;
        outcome
    }

    async fn follow_active(&mut self) -> Result<End, RunError> {
        let name = self.definition().name;
        loop {
            let build = self.attach().await?;
            self.schema = Some(build.schema.clone());
            match self.follow(&build).await? {
                End::Superseded => tracing::info!(projection = name, "another build was promoted"),
                end => return Ok(end),
            }
        }
    }

    /// The build of this version to follow; a first one, if there is none.
    async fn attach(&mut self) -> Result<Build, RunError> {
        let definition = self.definition();
        let (name, own) = (definition.name, definition.version);
        let (build, served) =
            db::read(self.views.pool(), async |session| to_follow_and_served(session, definition).await).await?;
        if let Some(build) = build {
            build::check_settings(&build, definition, self.views.settings())?;
            if let Some(served) = served.filter(|_| build.state == State::Retired) {
                let build = &build.schema;
                tracing::warn!(
                    projection = name,
                    served,
                    own,
                    build,
                    "another version serves; programs of this one go on with its build"
                );
            }
            return Ok(build);
        }
        if let Some(served) = served.filter(|served| *served > own) {
            return Err(RunError::NewerVersion { name, served, own });
        }
        let builder = Builder::new(self.views, definition, self.cancel);
        let tell = &mut |progress| self.entry.tell(ReaderState::Building(progress));
        let build = builder.run(Then::First, tell).await?;
        match build.state {
            State::Active => Ok(build),
            _ => Err(RunError::AwaitsPromotion { name, build: build.schema, own }),
        }
    }

    /// The checkpoint to go on from, if the build is what it was and the log is the one that it was made from.
    async fn check(&self, build: &Build) -> Result<Option<Checkpoint>, RunError> {
        let name = self.definition().name;
        let log = self.views.log();
        build::check_log(build, name, log.identity())?;
        let checkpoint = db::read(self.views.pool(), async |session| checkpoint::load(session, build).await).await?;
        let checkpoint = checkpoint.filter(|checkpoint| checkpoint.serves == reading::serves(build));
        if let Some(Checkpoint { position, .. }) = checkpoint {
            let head = log.head().await?;
            if position > head {
                return Err(RunError::AheadOfLog {
                    name,
                    position,
                    head,
                    rebuild: build::rebuild_command(name, &build.settings),
                });
            }
        }
        Ok(checkpoint)
    }

    async fn follow(&mut self, build: &Build) -> Result<End, RunError> {
        let Some(mut checkpoint) = self.check(build).await? else { return Ok(End::Superseded) };
        let log = self.views.log();
        let writer = Writer::new(self.views, self.definition(), build);
        let mut feed = Feed::new(log, self.definition().wants, checkpoint.position);
        build::set_error(self.views.pool(), &build.schema, None).await?;
        self.entry.reached(checkpoint.position);
        // A quiet shop has numbers too.
        self.measure(&checkpoint);
        loop {
            let Some(batch) = self.cancel.run_until_cancelled(feed.next()).await else { return Ok(End::Cancelled) };
            let batch = batch?;
            if batch.is_empty() {
                if let Some(fault) = batch.fault {
                    return Err(RunError::Unreadable { name: self.definition().name, fault });
                }
                tokio::select! {
                    () = self.cancel.cancelled() => return Ok(End::Cancelled),
                    _ = log.wait_beyond(checkpoint.position, IDLE_AT_MOST) => continue,
                }
            }
            checkpoint = match writer.step(checkpoint, &batch).await {
                Ok(next) => next,
                // Another writer was first, another build was promoted, or a crash took the last steps: the checkpoint
                // tells.
                Err(RunError::Overtaken { .. }) => return self.overtaken(build).await,
                Err(error) => return Err(error),
            };
            self.pause = FIRST_PAUSE;
            self.entry.reached(checkpoint.position);
            self.measure(&checkpoint);
        }
    }

    async fn overtaken(&self, build: &Build) -> Result<End, RunError> {
        match self.check(build).await? {
            // Held by whoever promotes it, or another of its version: the registry tells.
            Some(_) if build.state == State::Retired => Ok(End::Superseded),
            Some(_) => Err(RunError::Overtaken { name: self.definition().name }),
            None => Ok(End::Superseded),
        }
    }

    fn measure(&self, checkpoint: &Checkpoint) {
        let name = self.definition().name;
        let lag = self.views.log().known_head().0.saturating_sub(checkpoint.position.0);
        metrics::gauge!("orders_projection_position", "projection" => name).set(checkpoint.position.0 as f64);
        metrics::gauge!("orders_projection_lag_events", "projection" => name).set(lag as f64);
        tracing::trace!(projection = name, position = checkpoint.position.0, "reached");
    }

    /// Tells everybody why the view stopped: this process, the log of the program, and the build's row.
    async fn stopped(&self, error: &RunError) {
        let text = error.to_string();
        tracing::error!(projection = self.definition().name, error = text, "the view stops");
        if let Some(schema) = &self.schema
            && let Err(error) = build::set_error(self.views.pool(), schema, Some(&text)).await
        {
            tracing::warn!(%error, "why the view stopped could not be kept in its row");
        }
        self.entry.tell(ReaderState::Stopped(text));
    }
}

/// The build that programs of this version follow, and the version that serves.
async fn to_follow_and_served(
    connection: &mut PgConnection,
    definition: &Definition,
) -> Result<(Option<Build>, Option<u32>), RunError> {
    let build = reading::to_follow(connection, definition).await?;
    let served = build::active(connection, definition.name).await?;
    Ok((build, served.map(|active| active.version)))
}
