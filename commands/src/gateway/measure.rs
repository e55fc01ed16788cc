//! What commands came to, in numbers.

use super::{CommandError, Done};
use crate::aggregate::Aggregate;
use crate::meter::Meter;
use std::time::Duration;

/// Counts a command that has come to its end.
pub(super) fn came_to<A: Aggregate>(meter: &Meter, outcome: &Result<Done, CommandError<A>>, took: Duration) {
    let word = match outcome {
        Ok(done) if done.replayed => "repeated",
        Ok(_) => "accepted",
        Err(CommandError::Rejected { .. } | CommandError::VersionMismatch { .. } | CommandError::KeyReused) => {
            "refused"
        }
        Err(CommandError::KeyInFlight | CommandError::Contention | CommandError::Overloaded) => "busy",
        Err(CommandError::OutcomeUnknown) => "unknown",
        Err(CommandError::Unavailable(_) | CommandError::NotStorable(_) | CommandError::Unreadable(_)) => "failed",
    };
    match outcome {
        Ok(_) => meter.accepted(took),
        Err(_) => meter.not_accepted(),
    }
    metrics::counter!("orders_commands_total", "outcome" => word).increment(1);
    metrics::histogram!("orders_command_seconds").record(took.as_secs_f64());
}
