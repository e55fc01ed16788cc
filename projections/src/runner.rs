//! Follows the log with one view.
//!
//! One instance leads at a time; that saves work and no more, as two at once do no harm: each step is a compare and set
//! on the checkpoint. Nothing is skipped: on an event that can't be read the view stops, says which, and keeps that in
//! its build's row. What passes by itself (PostgreSQL away or restarting) is tried again with growing pauses.

use crate::build::{self, Build};
use crate::checkpoint::{self, Checkpoint};
use crate::error::RunError;
use crate::feed::{Batch, Feed};
use crate::projection::Definition;
use crate::rebuild::Builder;
use crate::status::ReaderState;
use crate::step::Writer;
use crate::views::{Entry, Views};
use commands::Lead;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The pause before the first retry, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait for events before looking at the log all the same.
const IDLE_AT_MOST: Duration = Duration::from_secs(5);

/// Runs the view `name` until `cancel`: waits for the lead, builds the view if this version of it never was, and follows
/// the log.
///
/// Returns an error when the view stopped for a reason that does not pass by itself; its text says what to do. Meanwhile
/// and afterwards [`Views::statuses`] tells the same.
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
    /// The session that held the lead is gone.
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
                Err(error) => return Err(error),
            }
        }
    }

    fn definition(&self) -> &'static Definition {
        self.entry.definition
    }

    async fn lead(&mut self) -> Result<End, RunError> {
        let Definition { name, version, .. } = self.definition();
        // By version, so that a newer program can build its own while an older one still leads the one that serves.
        let lead = format!("projection {name} v{version}");
        self.entry.tell(ReaderState::Standby);
        let acquired = self.cancel.run_until_cancelled(Lead::acquire(self.views.pool(), &lead)).await;
        let Some(lead) = acquired.transpose()? else { return Ok(End::Cancelled) };
        let mut lead = lead;
        loop {
            let build = self.attach().await?;
            self.schema = Some(build.schema.clone());
            match self.follow(&build, &mut lead).await? {
                End::Superseded => tracing::info!(projection = name, "another build was promoted"),
                end => return Ok(end),
            }
        }
    }

    /// The active build, if it is one to follow; a first build of this version, if there is none.
    async fn attach(&mut self) -> Result<Build, RunError> {
        let definition = self.definition();
        let (name, own) = (definition.name, definition.version);
        let mut connection = self.views.pool().acquire().await?;
        let active = build::active(&mut connection, name).await?;
        drop(connection);
        let Some(active) = active.filter(|active| active.version >= own) else {
            let builder = Builder::new(self.views, definition, self.cancel);
            return builder.run(&mut |progress| self.entry.tell(ReaderState::Building(progress))).await;
        };
        if active.version > own {
            return Err(RunError::NewerVersion { name, served: active.version, own });
        }
        let configured = build::settings_of(definition, self.views.settings());
        if active.settings != configured {
            let rebuild = build::rebuild_command(name, &configured);
            let (built, configured) = (build::settings_text(&active.settings), build::settings_text(&configured));
            return Err(RunError::SettingsChanged { name, built, configured, rebuild });
        }
        Ok(active)
    }

    /// The checkpoint to go on from, if the log is the one that the build was made from.
    async fn check(&self, build: &Build) -> Result<Option<Checkpoint>, RunError> {
        let name = self.definition().name;
        let log = self.views.log();
        let identity = log.identity();
        if build.log != identity {
            return Err(RunError::OtherLog {
                name,
                view_log: build.log.log_id,
                view_epoch: build.log.epoch,
                log: identity.log_id,
                epoch: identity.epoch,
                rebuild: build::rebuild_command(name, &build.settings),
            });
        }
        let mut connection = self.views.pool().acquire().await?;
        let checkpoint = checkpoint::load(&mut connection, build).await?.filter(|checkpoint| checkpoint.serves);
        drop(connection);
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

    async fn follow(&mut self, build: &Build, lead: &mut Lead) -> Result<End, RunError> {
        let Some(mut checkpoint) = self.check(build).await? else { return Ok(End::Superseded) };
        let log = self.views.log();
        let writer = Writer {
            pool: self.views.pool(),
            definition: self.definition(),
            build,
            time_zone: self.views.settings().time_zone,
        };
        let mut feed = Feed::new(log, self.definition().wants, checkpoint.position);
        build::set_error(self.views.pool(), &build.schema, None).await?;
        self.entry.reached(checkpoint.position);
        loop {
            let Some(batch) = self.cancel.run_until_cancelled(feed.next()).await else { return Ok(End::Cancelled) };
            let batch = batch?;
            if batch.is_empty() {
                if let Some(fault) = batch.fault {
                    return Err(RunError::Unreadable { name: self.definition().name, fault });
                }
                tokio::select! {
                    () = self.cancel.cancelled() => return Ok(End::Cancelled),
                    () = lead.lost() => return Ok(End::LeadLost),
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
            self.measure(&checkpoint, &batch);
        }
    }

    async fn overtaken(&self, build: &Build) -> Result<End, RunError> {
        match self.check(build).await? {
            Some(_) => Err(RunError::Overtaken { name: self.definition().name }),
            None => Ok(End::Superseded),
        }
    }

    fn measure(&self, checkpoint: &Checkpoint, batch: &Batch) {
        let name = self.definition().name;
        let lag = self.views.log().known_head().0.saturating_sub(checkpoint.position.0);
        metrics::gauge!("orders_projection_position", "projection" => name).set(checkpoint.position.0 as f64);
        metrics::gauge!("orders_projection_lag_events", "projection" => name).set(lag as f64);
        tracing::trace!(projection = name, position = checkpoint.position.0, events = batch.event_count(), "applied");
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
