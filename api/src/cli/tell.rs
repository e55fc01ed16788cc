//! Commands that ask the database for a moment, and tell what they found or did.

use crate::roles::{Asker, Core, Database, Failure};
use crate::settings::DatabaseArgs;
use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::PgPool;
use std::io::{self, ErrorKind, Write};

/// Finds the database, or starts it for this command, and prints what `work` tells.
pub(super) async fn tell(
    args: &DatabaseArgs,
    command: &'static str,
    work: impl AsyncFnOnce(&PgPool) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let database = Database::open(args, None, Asker::passing(command)).await?;
    let outcome = match database.pool().await {
        Ok(pool) => {
            let outcome = work(&pool).await;
            pool.close().await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    database.close().await;
    say(&outcome?)
}

/// The same for work that also reads the log.
pub(super) async fn tell_of_log(
    args: &DatabaseArgs,
    command: &'static str,
    work: impl AsyncFnOnce(&Core, &Database) -> Result<String, Failure>,
) -> Result<(), Failure> {
    say(&with_core(args, command, work).await?)
}

/// Finds the database, or starts it for this command, and closes it after `work` on the log.
pub(super) async fn with_core<T>(
    args: &DatabaseArgs,
    command: &'static str,
    work: impl AsyncFnOnce(&Core, &Database) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let database = Database::open(args, None, Asker::passing(command)).await?;
    let outcome = match Core::open(&database).await {
        Ok(core) => {
            let outcome = work(&core, &database).await;
            core.close().await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    database.close().await;
    outcome
}

/// Writes to standard output. Who closed it wants no more: that is no failure, and what was done is done.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    say_on(text).map(|_is_read| ())
}

/// The same for what goes on: says whether there is still somebody who reads.
pub(super) fn say_on(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    said(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of words on standard output: whether somebody reads them.
pub(super) fn said(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format!("standard output can't be written: {error}"))),
    }
}

/// Something as JSON for programs, on one line.
pub(super) fn json(shown: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(shown).map_err(|error| Failure::new(format!("it can't be shown: {error}")))?;
    Ok(format!("{text}\n"))
}

/// A time for programs, as the API writes it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// As people say it: the two largest units.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if whole < 10 => format!("{seconds:.1} s"),
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, _) => format!("{minutes} min {} s", whole % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        let told = [0.04, 9.99, 59.0, 61.0, 7_260.0, 200_000.0].map(duration);
        assert_eq!(told, ["0.0 s", "10.0 s", "59 s", "1 min 1 s", "2 h 1 min", "2 d 7 h"]);
    }
}
