//! What views were at an earlier position: the same rows as those of a view that was given the log up to there and no
//! more.
//!
//! No view is made for it. The list looks at today's rows, of which those that changed since are folded from their
//! order's own events ([`order_list::list_as_of`](crate::order_list::list_as_of)). Totals are today's without what came
//! since, or are summed up from the origin, whichever is nearer
//! ([`order_totals::by_day_as_of`](crate::order_totals::by_day_as_of)). Both by the folds that write the views.

use crate::error::{ProjectionError, RunError};
use crate::read::ReadError;
use domain::Position;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AsOfError {
    /// More events would have to be read than may be.
    #[error("{events} events would have to be read, and at most {most} may be")]
    TooMuch {
        /// How many.
        events: u64,
        /// How many may be.
        most: u64,
    },
    /// More rows than one answer is made of.
    #[error("there are more than {most} rows")]
    TooManyRows {
        /// How many there may be.
        most: u32,
    },
    /// The view has not reached that position.
    #[error("the view is at position {at}, not at {wanted} yet")]
    Behind {
        /// How far it is.
        at: Position,
        /// What was asked for.
        wanted: Position,
    },
    /// The view, or the log, can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A view's fold, outside of the view.
pub(crate) fn of_fold(name: &'static str) -> impl Fn(ProjectionError) -> AsOfError {
    move |error| match error {
        ProjectionError::Database(error) => ReadError::Database(error).into(),
        ProjectionError::Unusable { .. } => ReadError::Malformed { name, fault: error.to_string() }.into(),
    }
}

/// The log, read as a view reads it.
pub(crate) fn of_feed(error: RunError) -> AsOfError {
    let error = match error {
        RunError::Log(error) => ReadError::Log(error),
        RunError::Database(error) => ReadError::Database(error),
        RunError::Unreadable { fault, .. } => ReadError::Log(fault.into()),
        other => ReadError::Registry(other.to_string()),
    };
    error.into()
}

/// Refuses a view that is not there yet.
pub(crate) fn check_reached(at: Position, wanted: Position) -> Result<(), AsOfError> {
    if at < wanted { Err(AsOfError::Behind { at, wanted }) } else { Ok(()) }
}
