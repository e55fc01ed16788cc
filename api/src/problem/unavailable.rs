//! What a client is told when the servers behind are away, or hold what can't be read.

use super::{Code, Problem};
use commands::{LogError, ReadError};
use consumers::ledger::LedgerError;
use std::time::Duration;

/// How long a read may take before the database counts as away. Statements end sooner by themselves: this is for a
/// server that does not answer at all.
const READ_AT_MOST: Duration = Duration::from_secs(5);

/// The outcome of a read of the database, or the problem that it took too long.
pub async fn within<T, E>(read: impl Future<Output = Result<T, E>>) -> Result<T, Problem>
where
    Problem: From<E>,
{
    match tokio::time::timeout(READ_AT_MOST, read).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(database(&format_args!("no answer within {READ_AT_MOST:?}"))),
    }
}

/// The database is away. Why is for the log alone: it may name servers and logins.
pub(super) fn database(reason: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%reason, "the database is not available");
    Problem::new(Code::Unavailable, "Nothing was changed; try again.")
}

/// An event of this resource can't be read: by this process, if a newer program wrote it; by none, otherwise.
pub(super) fn unreadable(error: &ReadError) -> Problem {
    tracing::error!(%error, "an event can't be read");
    if !error.is_newer {
        return Problem::internal();
    }
    let detail = "A newer version of the program wrote an event of this, which this process is too old to read. Nothing was \
                  changed; try again: a process of that version can answer.";
    Problem::new(Code::NewerEvent, detail)
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unreadable(error) => unreadable(&error),
            error => database(&error),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        database(&error)
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Log(error) => error.into(),
            error => database(&error),
        }
    }
}
