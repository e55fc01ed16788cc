//! Why a view can't go on, and which of these pass by themselves.

use commands::db::DbError;
use commands::{LogError, ReadError, StartError};
use domain::Position;

/// Why a projection could not apply a batch.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// A statement failed.
    #[error("PostgreSQL refused: {0}")]
    Database(#[from] sqlx::Error),
    /// An event says what this view can't hold.
    #[error("the event at position {position} can't be applied: {reason}")]
    Unusable {
        /// Where it stands.
        position: Position,
        /// Why.
        reason: String,
    },
}

impl ProjectionError {
    /// An event that this view can't hold.
    pub fn unusable(position: Position, reason: impl ToString) -> Self {
        Self::Unusable { position, reason: reason.to_string() }
    }
}

/// Why a view does not follow the log, or is not rebuilt or exchanged. Each text is for the person who runs the system.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No projection of that name is registered.
    #[error("there is no projection `{name}`; there are {known}")]
    UnknownProjection {
        /// What was asked for.
        name: String,
        /// The names of all.
        known: String,
    },
    /// An event that this program can't read. Nothing behind it was applied.
    #[error("{name} stops before an event: {fault}")]
    Unreadable {
        /// The projection.
        name: &'static str,
        /// Which event, and why.
        fault: ReadError,
    },
    /// The projection failed on a batch. Nothing of it was applied.
    #[error("{name} can't apply the events {first} to {last}: {fault}")]
    Failed {
        /// The projection.
        name: &'static str,
        /// The batch's first position.
        first: Position,
        /// Its last.
        last: Position,
        /// What failed.
        fault: ProjectionError,
    },
    /// The log is another one than the view was made from.
    #[error(
        "{name} was made from another log (log {view_log} epoch {view_epoch}, this is log {log} epoch {epoch}): the \
         database was restored or exchanged. Run `{rebuild}`"
    )]
    OtherLog {
        /// The projection.
        name: &'static str,
        /// The log that the view was made from.
        view_log: uuid::Uuid,
        /// Its epoch.
        view_epoch: u64,
        /// The log that is there.
        log: uuid::Uuid,
        /// Its epoch.
        epoch: u64,
        /// The command that makes the view anew.
        rebuild: String,
    },
    /// The view is declared to begin where the log has not come yet.
    #[error("{name} can't begin: {fault}")]
    NoStart {
        /// The projection.
        name: &'static str,
        /// Why not.
        fault: StartError,
    },
    /// The view has seen events that the log does not have.
    #[error(
        "{name} is at position {position}, but the log ends at {head}: the log was restored to an earlier point. Begin a \
         new epoch of the log as the guide to restoring says, then run `{rebuild}`"
    )]
    AheadOfLog {
        /// The projection.
        name: &'static str,
        /// Where the view is.
        position: Position,
        /// Where the log ends.
        head: Position,
        /// The command that makes the view anew.
        rebuild: String,
    },
    /// A setting that changes the view's meaning is another one than it was built with.
    #[error(
        "{name} was built with {built} but {configured} is configured, so a rebuild is needed: run \
         `{rebuild}`, or set it back"
    )]
    SettingsChanged {
        /// The projection.
        name: &'static str,
        /// What it was built with.
        built: String,
        /// What is configured.
        configured: String,
        /// The command that makes the view anew with what is configured.
        rebuild: String,
    },
    /// A newer program promoted a newer version of the view, and there is none of this program's.
    #[error(
        "{name} is served in version {served}, which a newer program promoted; this one makes and reads version {own} \
         alone. Replace it by the newer one, or run `orders projections rollback {name}` of the program whose version served before"
    )]
    NewerVersion {
        /// The projection.
        name: &'static str,
        /// The version that is read.
        served: u32,
        /// This program's.
        own: u32,
    },
    /// This program's version of the view was promoted before, and an older program's let serve again.
    #[error(
        "{name} is served in version {served} again: version {own}, which this program makes and reads, was rolled back. \
         `orders projections promote {name} {build}` lets it serve"
    )]
    RolledBack {
        /// The projection.
        name: &'static str,
        /// The version that is read.
        served: u32,
        /// This program's.
        own: u32,
        /// This program's last build.
        build: String,
    },
    /// A build of a version that was never promoted was made to be compared first.
    #[error(
        "{build} is of version {own} of {name}, which this program makes and reads, and waits for a person: `orders projections \
         diff {name}` compares it, `orders projections promote {name} {build}` lets it serve"
    )]
    AwaitsPromotion {
        /// The projection.
        name: &'static str,
        /// Which build.
        build: String,
        /// This program's version.
        own: u32,
    },
    /// A build that was to be made and to serve is there, and was made to be compared first.
    #[error(
        "{build} has everything and is kept to be compared, so nothing is made anew: `orders projections diff {name}` compares it, \
         `orders projections promote {name} {build}` lets it serve, `orders projections drop {name} {build}` makes room for a new one"
    )]
    IsKept {
        /// The projection.
        name: &'static str,
        /// Which build.
        build: String,
    },
    /// A build that was to serve once it had everything waits for a person instead.
    #[error(
        "{build} has everything and waits for a person, as {reason}: `orders projections diff {name}` compares it, `orders \
         projections promote {name} {build}` lets it serve"
    )]
    LeftReady {
        /// The projection.
        name: &'static str,
        /// Which build.
        build: String,
        /// What a person decided meanwhile.
        reason: String,
    },
    /// Somebody has held the lock under which builds of a view are begun, promoted and dropped, for longer than it is
    /// waited for.
    #[error(
        "somebody else has been beginning, promoting or dropping builds of {name}, or has held the lock for that, for ten \
         seconds, so this was given up. Ask again; PostgreSQL's `pg_locks` (locktype advisory) says whose session it is"
    )]
    RegistryBusy {
        /// The projection.
        name: String,
    },
    /// No such build.
    #[error("{name} has no build `{build}`: `orders projections list` shows those that there are")]
    NoBuild {
        /// The projection.
        name: &'static str,
        /// What was asked for.
        build: String,
    },
    /// There is nothing to compare a build with.
    #[error(
        "{name} has only one build, {build}: `orders projections rebuild {name} --no-promote` makes another, to be compared \
         with it"
    )]
    OnlyBuild {
        /// The projection.
        name: &'static str,
        /// Its build.
        build: String,
    },
    /// A build was to be compared with itself.
    #[error("{build} can't be compared with itself: name another build, or leave the other out")]
    SameBuild {
        /// Which.
        build: String,
    },
    /// There is nothing to go back to.
    #[error("no build of {name} was read before the one that is read now")]
    NothingBefore {
        /// The projection.
        name: &'static str,
    },
    /// Another build is read than whoever asks thinks.
    #[error("{active} is the build that is read, not {expected}: look at what has changed, and ask again")]
    OtherActive {
        /// What was expected.
        expected: String,
        /// What is read.
        active: String,
    },
    /// The build is read, so it can't be dropped.
    #[error("{build} is the build that is read: only others can be dropped")]
    IsActive {
        /// Which.
        build: String,
    },
    /// The build is read by programs of its version, so it can't be dropped.
    #[error("{build} is still followed and read by programs of version {version}: stop these first, or let it be")]
    IsFollowed {
        /// Which.
        build: String,
        /// Its version.
        version: u32,
    },
    /// Somebody compares builds at this moment, which takes the room of two copies.
    #[error("another comparison of builds is on, and there is one at a time: ask again when it is done")]
    OtherComparison,
    /// A build that is not finished.
    #[error("{build} is not finished: `{rebuild} --no-promote` goes on with it")]
    NotFinished {
        /// Which.
        build: String,
        /// The command that goes on.
        rebuild: String,
    },
    /// A build that only another program can bring up to date.
    #[error(
        "{build} is of version {version}, and this program makes version {own} alone: ask the program that makes version \
         {version}"
    )]
    OtherProgram {
        /// Which build.
        build: String,
        /// Its version.
        version: u32,
        /// This program's.
        own: u32,
    },
    /// Two builds that can't be compared at one position.
    #[error("{a} and {b} can't be compared: {reason}")]
    NotComparable {
        /// One build.
        a: String,
        /// The other.
        b: String,
        /// Why.
        reason: String,
    },
    /// Another process went on with the same build, or PostgreSQL is back from a crash with an earlier state of it.
    /// Nothing was applied twice or left out.
    #[error("the checkpoint of {name} is not where it was left: another process writes it too, or PostgreSQL crashed")]
    Overtaken {
        /// The projection.
        name: &'static str,
    },
    /// Cancelled before the end. A build goes on from where it was when it is started again.
    #[error("stopped before the end; started again, it goes on from where it was")]
    Cancelled,
    /// The registry holds what this program did not write.
    #[error("the registry of projections says {0}, which this program can't read")]
    Registry(String),
    /// The log can't be read.
    #[error("the log can't be read: {0}")]
    Log(#[from] LogError),
    /// The database is away or refuses.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<DbError> for RunError {
    fn from(error: DbError) -> Self {
        Self::Log(LogError::Db(error))
    }
}

impl RunError {
    /// Whether trying again may help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) | Self::Failed { fault: ProjectionError::Database(error), .. } => is_transient(error),
            Self::Log(LogError::Db(DbError::Sql(error))) => is_transient(error),
            Self::Log(LogError::Db(DbError::Shared(error))) => is_transient(error),
            Self::Log(LogError::Db(DbError::Unreachable { .. }))
            | Self::Overtaken { .. }
            | Self::RegistryBusy { .. } => true,
            _ => false,
        }
    }

    /// Whether the view can go on once another of its builds is promoted.
    pub(crate) fn ends_with_a_promotion(&self) -> bool {
        matches!(self, Self::NewerVersion { .. } | Self::AwaitsPromotion { .. })
    }

    /// Whether what was asked for was not done, as it does not fit how things are.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::UnknownProjection { .. }
                | Self::OtherLog { .. }
                | Self::AheadOfLog { .. }
                | Self::NoStart { .. }
                | Self::SettingsChanged { .. }
                | Self::NewerVersion { .. }
                | Self::RolledBack { .. }
                | Self::NoBuild { .. }
                | Self::OnlyBuild { .. }
                | Self::SameBuild { .. }
                | Self::NothingBefore { .. }
                | Self::OtherActive { .. }
                | Self::IsActive { .. }
                | Self::IsFollowed { .. }
                | Self::OtherComparison
                | Self::NotFinished { .. }
                | Self::OtherProgram { .. }
                | Self::IsKept { .. }
                | Self::LeftReady { .. }
                | Self::RegistryBusy { .. }
        )
    }
}

/// Whether a statement may succeed when it is tried again: the server is away, busy, restarting, or broke a deadlock.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(refused) => refused.code().is_some_and(|code| is_transient_state(&code)),
        _ => false,
    }
}

/// By SQLSTATE: connection exceptions, rollbacks of deadlocks, insufficient resources (a full disk too), operator
/// intervention (shutdown, cancelled), a lock that was not to be had, and a standby that is not promoted yet.
fn is_transient_state(code: &str) -> bool {
    ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || matches!(code, LOCK_TIMEOUT | "25006")
}

/// `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// Whether a lock was not to be had for as long as it is waited for.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|refused| refused.code()).is_some_and(|code| code == LOCK_TIMEOUT)
}

/// Whether a statement failed because its schema or table is gone.
pub(crate) fn is_gone(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|refused| refused.code()).is_some_and(|code| matches!(&*code, "3F000" | "42P01"))
}
