//! Reading on where the database was away for a moment: reads change nothing, so they are tried again, and what was
//! written so far need not be thrown away.

use commands::LogError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often one read is tried.
const TRIES: u32 = 10;
const PAUSE_AT_FIRST: Duration = Duration::from_millis(250);
/// Each pause is twice as long as the one before, up to this: all of them come to three quarters of a minute.
const PAUSE_AT_MOST: Duration = Duration::from_secs(10);

/// What `read` finds, in the end. Tried again is what the database did not answer, or refused; never what can't be
/// read.
pub(super) async fn persistently<T>(
    stop: &CancellationToken,
    mut read: impl AsyncFnMut() -> Result<T, LogError>,
) -> Result<T, LogError> {
    let mut pause = PAUSE_AT_FIRST;
    for _ in 1..TRIES {
        match read().await {
            Err(error @ LogError::Db(_)) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "the history can't be read: it is tried again");
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return Err(error);
                }
                pause = (pause * 2).min(PAUSE_AT_MOST);
            }
            outcome => return outcome,
        }
    }
    read().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> LogError {
        sqlx::Error::PoolTimedOut.into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_comes_again_is_waited_for_and_one_that_does_not_is_given_up() {
        let stop = CancellationToken::new();
        let mut tries = 0;
        let found = persistently(&stop, async || {
            tries += 1;
            if tries < TRIES { Err(away()) } else { Ok(7) }
        });
        assert_eq!((found.await.ok(), tries), (Some(7), TRIES));
        let mut tries = 0;
        let given_up = persistently(&stop, async || {
            tries += 1;
            Err::<(), _>(away())
        });
        assert!(given_up.await.is_err());
        assert_eq!(tries, TRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_pause_does_not_mend_is_told_at_once() {
        let mut tries = 0;
        let read = async || {
            tries += 1;
            Err::<(), _>(LogError::NotMigrated)
        };
        assert!(persistently(&CancellationToken::new(), read).await.is_err());
        let stopped = CancellationToken::new();
        stopped.cancel();
        let mut stopped_tries = 0;
        let read = async || {
            stopped_tries += 1;
            Err::<(), _>(away())
        };
        assert!(persistently(&stopped, read).await.is_err());
        assert_eq!((tries, stopped_tries), (1, 1));
    }
}
