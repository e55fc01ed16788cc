//! A PostgreSQL that says nothing any more must not hold a check up for ever.
//!
//! A copy of a large view takes minutes, and is one statement: no limit of its own would tell it from a frozen server.
//! So the server is asked something short meanwhile, on another connection. A backend whose own connection is dead ends
//! by itself: the server's keepalives see to that.

use std::fmt::Display;
use std::time::Duration;
use tokio::time::Instant;

const ASK_EVERY: Duration = Duration::from_secs(5);
const SILENT_AT_MOST: Duration = Duration::from_secs(30);

/// What `work` comes to, or that nothing that was asked meanwhile had an answer for too long, and why.
pub(super) async fn while_answering<T, E: Display>(
    work: impl Future<Output = T>,
    ask: impl AsyncFn() -> Result<(), E>,
) -> Result<T, String> {
    tokio::select! {
        outcome = work => Ok(outcome),
        why = silence(ask) => {
            Err(format!("PostgreSQL has not answered for {} s: {why}", SILENT_AT_MOST.as_secs()))
        }
    }
}

async fn silence<E: Display>(ask: impl AsyncFn() -> Result<(), E>) -> String {
    let mut heard = Instant::now();
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        match ask().await {
            Ok(()) => heard = Instant::now(),
            Err(why) if heard.elapsed() >= SILENT_AT_MOST => return why.to_string(),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_long_goes_on_as_long_as_there_are_answers() {
        let begun = Instant::now();
        let work = tokio::time::sleep(Duration::from_secs(3_600));
        // Three refusals in a row are no silence yet.
        let refuses = || begun.elapsed().as_secs() % 40 < 15;
        let ask = async || if refuses() { Err("too many connections") } else { Ok(()) };
        assert_eq!(while_answering(work, ask).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_waits_for_a_silent_server_ends_with_what_is_wrong() {
        let begun = Instant::now();
        let silent = while_answering(pending::<()>(), async || Err("no answer in time")).await;
        assert_eq!(silent, Err("PostgreSQL has not answered for 30 s: no answer in time".to_owned()));
        assert_eq!(begun.elapsed(), SILENT_AT_MOST);
    }
}
