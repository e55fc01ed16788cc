//! The handle through which views are read, waited for and watched.

use crate::error::RunError;
use crate::projection::Definition;
use crate::read::{Active, ReadError};
use crate::reading;
use crate::status::{ReaderState, ReaderStatus};
use crate::{Projection, REGISTRY};
use arc_swap::ArcSwapOption;
use chrono_tz::Tz;
use commands::{Log, LogError, db};
use domain::Position;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a view's checkpoint is looked at while somebody waits for what another process writes.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The first looks come sooner, each a little later than the one before: a view that keeps up has a new order within a
/// few milliseconds.
const LOOK_SOONER_BY: Duration = Duration::from_millis(1);

/// What views depend on besides the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whose days the totals count.
    pub time_zone: Tz,
}

/// Why a view did not reach a position.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Not in time. Nothing is wrong with the position.
    #[error("the view is at position {at}, not at {wanted} yet")]
    Behind {
        /// How far it is.
        at: Position,
        /// What was waited for.
        wanted: Position,
    },
    /// The log itself does not reach that far, so the position was never given out.
    #[error("position {wanted} was never given out: the log ends at {head}")]
    BeyondHead {
        /// Where the log ends.
        head: Position,
        /// What was waited for.
        wanted: Position,
    },
    /// The view can't be asked.
    #[error(transparent)]
    Unavailable(#[from] ReadError),
}

impl From<LogError> for WaitError {
    fn from(error: LogError) -> Self {
        Self::Unavailable(ReadError::Log(error))
    }
}

/// A handle on all views; cheap to clone.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
}

struct Shared {
    log: Log,
    settings: Settings,
    entries: Vec<Entry>,
}

/// What this process knows of one view.
pub(crate) struct Entry {
    pub(crate) definition: &'static Definition,
    /// The statement that looks at the checkpoint.
    look: String,
    /// Told by the reader of the log in this process.
    status: watch::Sender<ReaderStatus>,
    /// Told by those who look at the checkpoint that another process writes.
    seen: watch::Sender<Position>,
    /// Where its rows are, as of the last look.
    pub(crate) active: ArcSwapOption<Active>,
    /// Held by the one who looks at the checkpoint for all who wait.
    looking: tokio::sync::Mutex<()>,
}

impl Views {
    /// A handle on the views of every registered projection. No I/O.
    pub fn new(log: Log, settings: Settings) -> Self {
        Self::of(log, settings, REGISTRY)
    }

    /// A handle on the views of these projections.
    pub fn of(log: Log, settings: Settings, definitions: &'static [Definition]) -> Self {
        let entries = definitions.iter().map(Entry::new).collect();
        Self { shared: Arc::new(Shared { log, settings, entries }) }
    }

    /// The time zone whose days the views count.
    pub fn time_zone(&self) -> Tz {
        self.shared.settings.time_zone
    }

    /// The names of all views.
    pub fn names() -> impl Iterator<Item = &'static str> {
        REGISTRY.iter().map(|definition| definition.name)
    }

    /// What each view's reader of the log is doing here.
    pub fn statuses(&self) -> Vec<ReaderStatus> {
        self.shared.entries.iter().map(Entry::status).collect()
    }

    /// A watch on what a view's reader of the log is doing here; `None` for a name that is not registered.
    pub fn watch(&self, name: &str) -> Option<watch::Receiver<ReaderStatus>> {
        self.entry(name).ok().map(|entry| entry.status.subscribe())
    }

    /// How far the view is. No I/O in the process that writes it.
    pub async fn position(&self, name: &str) -> Result<Position, ReadError> {
        let entry = self.entry(name).map_err(|_| ReadError::Unknown(name.to_owned()))?;
        let status = entry.status();
        if status.state.is_here() { Ok(status.position) } else { self.look(entry).await }
    }

    /// Waits until the view holds everything up to `position`, at most `at_most`; returns how far it is then.
    ///
    /// In a process that does not write the view its checkpoint is looked at, once for all who wait. The position that
    /// comes with rows read afterwards is the one to trust: after a crash of PostgreSQL a view may be a little further
    /// back until the log has given it back.
    pub async fn wait_for(&self, name: &str, position: Position, at_most: Duration) -> Result<Position, WaitError> {
        let entry = self.entry(name).map_err(|_| ReadError::Unknown(name.to_owned()))?;
        if position > self.log().known_head() {
            let head = self.log().head().await?;
            if position > head {
                return Err(WaitError::BeyondHead { head, wanted: position });
            }
        }
        match tokio::time::timeout(at_most, self.reach(entry, position)).await {
            Ok(reached) => Ok(reached?),
            Err(_elapsed) => Err(WaitError::Behind { at: entry.status().position, wanted: position }),
        }
    }

    async fn reach(&self, entry: &Entry, position: Position) -> Result<Position, ReadError> {
        let mut status = entry.status.subscribe();
        loop {
            let now = status.borrow_and_update().clone();
            if now.state.is_here() {
                if now.position >= position {
                    return Ok(now.position);
                }
                // The sender lives in `entry`, so the channel does not close while we are here.
                let _ = status.changed().await;
            } else {
                tokio::select! {
                    looked = self.look_until(entry, position) => return looked,
                    // Perhaps the view is written here from now on.
                    _ = status.changed() => {}
                }
            }
        }
    }

    /// Looks at the checkpoint until it reaches `position`. One looks for all who wait; when that one has seen enough,
    /// the next goes on.
    async fn look_until(&self, entry: &Entry, position: Position) -> Result<Position, ReadError> {
        let mut seen = entry.seen.subscribe();
        let looking = async {
            let _turn = entry.looking.lock().await;
            let mut pause = Duration::ZERO;
            loop {
                let at = match self.look(entry).await {
                    // A view that is built for the first time is behind like any other.
                    Err(ReadError::NotBuilt { .. }) => Position::ORIGIN,
                    looked => looked?,
                };
                entry.seen.send_replace(at);
                if at >= position {
                    return Ok(at);
                }
                pause = LOOK_EVERY.min(pause + LOOK_SOONER_BY);
                tokio::time::sleep(pause).await;
            }
        };
        let told = async {
            // Only what is seen from now on counts.
            while seen.changed().await.is_ok() {
                let at = *seen.borrow_and_update();
                if at >= position {
                    return at;
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            reached = looking => reached,
            reached = told => Ok(reached),
        }
    }

    async fn look(&self, entry: &Entry) -> Result<Position, ReadError> {
        let position: Option<i64> =
            db::read(self.pool(), async |session| sqlx::query_scalar(&entry.look).fetch_optional(session).await)
                .await
                .map_err(ReadError::Database)?;
        position.map(Position::from_i64).ok_or(ReadError::NotBuilt { name: entry.definition.name })
    }

    /// The log that they follow.
    pub fn log(&self) -> &Log {
        &self.shared.log
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.shared.log.pool()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What its projections declare, in their order.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = &'static Definition> {
        self.shared.entries.iter().map(|entry| entry.definition)
    }

    pub(crate) fn entry(&self, name: &str) -> Result<&Entry, RunError> {
        self.shared.entries.iter().find(|entry| entry.definition.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.definitions().map(|definition| definition.name).collect();
            RunError::UnknownProjection { name: name.to_owned(), known: known.join(", ") }
        })
    }

    pub(crate) fn entry_of<P: Projection>(&self) -> Result<&Entry, ReadError> {
        self.entry(P::NAME).map_err(|_| ReadError::Unknown(P::NAME.to_owned()))
    }
}

impl Entry {
    fn new(definition: &'static Definition) -> Self {
        let status = ReaderStatus { name: definition.name, position: Position::ORIGIN, state: ReaderState::Elsewhere };
        let checkpoint = "SELECT c.position FROM public.projection_checkpoints AS c
                           WHERE c.schema_name = b.schema_name ORDER BY c.revision DESC LIMIT 1";
        Self {
            definition,
            look: format!("SELECT ({checkpoint}) {}", reading::choice(definition)),
            status: watch::Sender::new(status),
            seen: watch::Sender::new(Position::ORIGIN),
            active: ArcSwapOption::empty(),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    fn status(&self) -> ReaderStatus {
        let mut status = self.status.borrow().clone();
        if !status.state.is_here() {
            status.position = status.position.max(*self.seen.borrow());
        }
        status
    }

    /// Tells all who watch that the view, written here, is at `position`.
    pub(crate) fn reached(&self, position: Position) {
        self.status.send_modify(|status| {
            status.position = position;
            status.state = ReaderState::Running;
        });
    }

    /// Tells all who watch what is being done.
    pub(crate) fn tell(&self, state: ReaderState) {
        self.status.send_modify(|status| status.state = state);
    }
}
