//! Why a command was not carried out, as far as that is known.

use super::Snapshot;
use crate::aggregate::Aggregate;
use crate::log::LogError;
use std::sync::Arc;

/// Why a command was not carried out. But for [`CommandError::OutcomeUnknown`], nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<A: Aggregate> {
    /// A rule of the business refuses it, decided at the head of the log.
    #[error("{rejection}")]
    Rejected {
        /// The rule.
        rejection: A::Rejection,
        /// The state that it met; version 0 when there is nothing under the id.
        current: Arc<Snapshot<A>>,
    },
    /// The client named a version, and the aggregate has another one.
    #[error("the version is {}, not the expected one", current.version)]
    VersionMismatch {
        /// What there is now.
        current: Arc<Snapshot<A>>,
    },
    /// The key came with another request before.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The key's first request is still being worked on.
    #[error("a request with this idempotency key is still being worked on")]
    KeyInFlight,
    /// Others were first, time and again.
    #[error("too many commands on the same resource at once")]
    Contention,
    /// The database's reply was lost, and whether it is written could not be found out.
    #[error("whether the command was carried out is not known")]
    OutcomeUnknown,
    /// The queue of commands is full, or the program is stopping.
    #[error("too many commands at once")]
    Overloaded,
    /// The database is away or refuses.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refuses what the command would write, whenever it comes: a fault of this program, or of the schema.
    #[error("the database does not take what this command would write: {0}")]
    NotStorable(String),
    /// An event of the aggregate can't be read by this program.
    #[error(transparent)]
    Unreadable(crate::log::ReadError),
}

impl<A: Aggregate> From<LogError> for CommandError<A> {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unreadable(error) => Self::Unreadable(error),
            error => Self::Unavailable(error.to_string()),
        }
    }
}
