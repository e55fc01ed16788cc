//! Waiting for a condition instead of for a time.

use std::fmt::Display;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// The pause after the first look, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What a look at a condition gives: that it holds, with a value, or why it does not yet.
pub trait Outcome {
    /// What the condition yields once it holds.
    type Value;

    /// The value, or the reason for looking again.
    fn outcome(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();

    fn outcome(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it does not hold".to_owned()) }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "there is none".to_owned())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    type Value = T;

    fn outcome(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Looks until the condition holds and gives what it yields: `bool`, `Option` and `Result` are understood.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn lines() -> Vec<String> { Vec::new() }
/// # async fn example() {
/// testkit::eventually("three lines are there", Duration::from_secs(10), async || lines().await.len() == 3).await;
/// # }
/// ```
///
/// # Panics
/// After `bound`, with `what`, the caller's place and what was seen last. A look that hangs is cut off at the bound
/// too.
#[track_caller]
pub fn eventually<Look, T>(what: &str, bound: Duration, mut look: Look) -> impl Future<Output = T::Value>
where
    Look: AsyncFnMut() -> T,
    T: Outcome,
{
    let caller = Location::caller();
    async move {
        let deadline = Instant::now() + bound;
        let mut pause = FIRST_PAUSE;
        let mut seen = "nothing: the first look did not end".to_owned();
        loop {
            match timeout_at(deadline, look()).await.map(Outcome::outcome) {
                Ok(Ok(value)) => return value,
                Ok(Err(reason)) => seen = reason,
                Err(_elapsed) => {}
            }
            assert!(
                Instant::now() + pause < deadline,
                "not within {bound:?}: {what} (asked at {caller}); seen last: {seen}"
            );
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
