//! Proves that a view is exactly its history: its rows are compared with those of a rebuild to the same position.
//!
//! Rows and checkpoint are copied as one snapshot has them ([`scratch`]); the snapshot ends with the copy, so that the
//! view goes on and nothing piles up behind it. Then the view is made anew beside the copy by the projection's own
//! code, up to exactly that checkpoint ([`remake`]), and the two are compared row by row ([`compare`]).

pub(crate) mod compare;
pub(crate) mod remake;
pub(crate) mod scratch;

pub use scratch::Scratch;

use crate::error::RunError;
use crate::projection::Definition;
use crate::{REGISTRY, checkpoint};
use commands::verify::{Found, Stopped, Watch};
use commands::{Log, LogError};
use domain::Position;
use scratch::Copied;
use serde::{Serialize, Serializer};
use std::fmt;
use uuid::Uuid;

/// What became of the check of one view.
#[derive(Debug)]
pub enum ViewOutcome {
    /// It was compared with its rebuild.
    Checked(ViewChecked),
    /// No build of it was promoted yet, so there is nothing to check.
    NotBuilt,
    /// A version serves that this program does not make.
    OtherVersion {
        /// The version that serves.
        served: u32,
        /// This program's.
        own: u32,
    },
}

/// A view that was compared with its rebuild.
#[derive(Debug)]
pub struct ViewChecked {
    /// The schema that serves.
    pub schema: String,
    /// Its version.
    pub version: u32,
    /// The checkpoint that it was compared at.
    pub position: Position,
    /// Where the log ended then, or a little later.
    pub head: Position,
    /// How many rows its tables have.
    pub rows: u64,
    /// Why it does not go on, if it has stopped.
    pub stopped: Option<String>,
    /// What is not as a rebuild has it.
    pub differences: Found<Difference>,
}

/// The columns of a row's primary key with their values, in the key's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey(pub Vec<(String, String)>);

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(column, value)| format!("{column} {value}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl Serialize for RowKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, value)))
    }
}

/// Something about a view that is not as its rebuild has it. No text holds what a row says, but for its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// A row that a rebuild has and the view has not.
    RowMissing {
        /// Its table.
        table: String,
        /// Which row.
        key: RowKey,
    },
    /// A row that the view has and a rebuild has not.
    RowExtra {
        /// Its table.
        table: String,
        /// Which row.
        key: RowKey,
    },
    /// A row that says something else than in a rebuild.
    RowDiffers {
        /// Its table.
        table: String,
        /// Which row.
        key: RowKey,
        /// The columns that differ.
        columns: Vec<String>,
    },
    /// A table that the view should have.
    TableMissing {
        /// Which.
        table: String,
    },
    /// A table that the view has and a rebuild has not.
    TableExtra {
        /// Which.
        table: String,
    },
    /// A table has other columns than the program makes.
    OtherColumns {
        /// Which.
        table: String,
    },
    /// The view has seen events that the log does not have.
    AheadOfLog {
        /// Where the view is.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// The view was made from another log, or before a restore of this one.
    OtherLog {
        /// The log that it was made from.
        log_id: Uuid,
        /// Its epoch.
        epoch: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RowMissing { table, key } => write!(f, "{table}: the row {key} is missing"),
            Self::RowExtra { table, key } => write!(f, "{table}: the row {key} is of no event"),
            Self::RowDiffers { table, key, columns } => {
                write!(f, "{table}: the row {key} differs in {}", columns.join(", "))
            }
            Self::TableExtra { table } => write!(f, "the table {table} is none that this program makes"),
            Self::TableMissing { table } => write!(f, "the table {table} is missing"),
            Self::OtherColumns { table } => write!(f, "{table}: the columns are not those that this program makes"),
            Self::AheadOfLog { position, head } => {
                write!(f, "it is at position {position}, but the log ends at {head}: events that it has seen are gone")
            }
            Self::OtherLog { log_id, epoch } => {
                write!(f, "it was made from log {log_id} in epoch {epoch}, not this one")
            }
        }
    }
}

/// Why a view could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// It could not be made anew.
    #[error(transparent)]
    Run(RunError),
    /// No projection of that name is registered.
    #[error("there is no projection `{0}`")]
    Unknown(String),
    /// PostgreSQL is away or refuses.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<RunError> for VerifyError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Database(error) => Self::Database(error),
            RunError::Cancelled => Self::Stopped(Stopped),
            error => Self::Run(error),
        }
    }
}

impl From<VerifyError> for RunError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Stopped(_) => Self::Cancelled,
            VerifyError::Run(error) => error,
            VerifyError::Unknown(name) => Self::UnknownProjection { name, known: String::new() },
            VerifyError::Database(error) => Self::Database(error),
            VerifyError::Log(error) => Self::Log(error),
        }
    }
}

/// Compares the build of the view `name` that serves with a rebuild, both in `scratch`. The view goes on meanwhile.
pub async fn verify_view(
    log: &Log,
    scratch: &mut Scratch,
    name: &str,
    watch: &mut Watch<'_>,
) -> Result<ViewOutcome, VerifyError> {
    let known = REGISTRY.iter().find(|definition| definition.name == name);
    let definition = known.ok_or_else(|| VerifyError::Unknown(name.to_owned()))?;
    let outcome = check(log, scratch, definition, watch).await;
    // Also after a failure: the next view needs the space.
    let dropped = scratch.clear().await;
    let outcome = outcome?;
    dropped?;
    Ok(outcome)
}

async fn check(
    log: &Log,
    scratch: &mut Scratch,
    definition: &'static Definition,
    watch: &mut Watch<'_>,
) -> Result<ViewOutcome, VerifyError> {
    let own = definition.version;
    watch.tell(definition.name, 0, log.known_head().0)?;
    let copied = match scratch.copy(definition).await? {
        Some(copied) if copied.build.version == own => copied,
        Some(copied) => return Ok(ViewOutcome::OtherVersion { served: copied.build.version, own }),
        None => return Ok(ViewOutcome::NotBuilt),
    };
    let head = log.head().await?;
    let mut differences = Found::new(watch.most_listed);
    let rows = if copied.build.log == log.identity() {
        if copied.position > head {
            differences.add(Difference::AheadOfLog { position: copied.position, head });
        }
        let made = remake::remake(log, scratch, definition, &copied, watch).await?;
        compare::compare(scratch, &copied, &made, &mut differences).await?
    } else {
        let (log_id, epoch) = (copied.build.log.log_id, copied.build.log.epoch);
        differences.add(Difference::OtherLog { log_id, epoch });
        0
    };
    let Copied { build, position, stopped, .. } = copied;
    let (schema, version) = (build.schema, build.version);
    Ok(ViewOutcome::Checked(ViewChecked { schema, version, position, head, rows, stopped, differences }))
}
