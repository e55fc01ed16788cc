//! Failpoints: the moments at which tests kill the program, as a power cut would.
//!
//! The crates mark each moment by one line, `fail::fail_point!("append.before")`. That is nothing at all unless the
//! feature `failpoints` of the crate `fail` is on, and only dependencies of tests switch it on: no build of the program
//! alone has them (`docs/decisions/0011-failpoints.md`). Where they are on, the variable [`VARIABLE`] says at which of
//! them, and when, the process kills itself: nothing is unwound, flushed or said to anybody.

use nix::sys::signal::{Signal, raise};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Says where and when the process kills itself, see [`Kill`].
pub const VARIABLE: &str = "FAILPOINT_KILL";

/// All of them, in the order of the walk of an order.
pub const NAMES: [&str; 28] = [
    // The statement that writes a batch is about to be sent; it is done, and committed too if it stands alone.
    "append.before",
    "append.after",
    // After a conflict the statement is part of a transaction: that one's commit.
    "commit.before",
    "commit.after",
    // The answer to a command is about to be made; it was written to its connection.
    "reply.before",
    "reply.after",
    // A view's rows and checkpoint.
    "projection_commit.before",
    "projection_commit.after",
    // Another build of a view serves.
    "promotion_commit.before",
    "promotion_commit.after",
    // One record, handed to Kafka's library.
    "produce.before",
    "produce.after",
    // The transaction of a batch of records and the relay's position.
    "kafka_commit.before",
    "kafka_commit.after",
    // What Kafka handed over is noted and claimed; what is due is claimed again.
    "claim.before",
    "claim.after",
    "reclaim.before",
    "reclaim.after",
    // A mail is marked as being sent; it is sent; what became of it is written down.
    "sending.before",
    "sending.after",
    "send.before",
    "send.after",
    "outcome.before",
    "outcome.after",
    // A dead letter is published; the group's offset is committed where a person has it go back.
    "letter.before",
    "letter.after",
    "offset_commit.before",
    "offset_commit.after",
];

/// Where and when the process kills itself. As text, `*` stands for all failpoints together:
///
/// - `kafka_commit.after:3`: the third time that it comes by there;
/// - `*:0.001:42`: each time with a chance of one in a thousand, by a generator seeded with 42.
#[derive(Debug, Clone, PartialEq)]
pub struct Kill {
    /// A failpoint; `None` for all.
    pub at: Option<&'static str>,
    /// Which time.
    pub when: When,
}

/// At which of the times that the process comes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// This one, counted from 1.
    Nth(u64),
    /// Each one with this chance.
    Chance {
        /// Between 0 and 1.
        of: f64,
        /// The generator's seed.
        seed: u64,
    },
}

impl FromStr for Kill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let at = match parts.next() {
            Some("*") => None,
            name => Some(known(name.unwrap_or_default())?),
        };
        let when = match (parts.next(), parts.next(), parts.next()) {
            (Some(nth), None, None) => nth.parse().ok().filter(|nth| *nth > 0).map(When::Nth),
            (Some(of), Some(seed), None) => {
                let of = of.parse().ok().filter(|of| (0.0..=1.0).contains(of));
                of.zip(seed.parse().ok()).map(|(of, seed)| When::Chance { of, seed })
            }
            _ => None,
        };
        let when = when.ok_or_else(|| format!("`{text}` is neither NAME:NTH nor NAME:CHANCE:SEED"))?;
        Ok(Self { at, when })
    }
}

fn known(name: &str) -> Result<&'static str, String> {
    let known = NAMES.iter().copied().find(|known| *known == name);
    known.ok_or_else(|| format!("there is no failpoint `{name}`; there are * and {}", NAMES.join(", ")))
}

/// Has the process kill itself as [`VARIABLE`] says, in a build that has failpoints.
///
/// # Errors
/// What is wrong with the variable.
pub fn arm() -> Result<(), String> {
    if !fail::has_failpoints() {
        return Ok(());
    }
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
    let kill: Kill = text.parse().map_err(|fault| format!("{VARIABLE}: {fault}"))?;
    let clock = Arc::new(Clock::new(kill.when));
    for name in NAMES.iter().copied().filter(|name| kill.at.is_none_or(|at| at == *name)) {
        let clock = Arc::clone(&clock);
        let come_by = move || {
            if clock.strikes() {
                eprintln!("killed at the failpoint {name}");
                let _ = raise(Signal::SIGKILL);
            }
        };
        fail::cfg_callback(name, come_by)?;
    }
    Ok(())
}

/// Counts, or throws the dice.
enum Clock {
    Count { hits: AtomicU64, nth: u64 },
    Dice { of: f64, generator: Mutex<SmallRng> },
}

impl Clock {
    fn new(when: When) -> Self {
        match when {
            When::Nth(nth) => Self::Count { hits: AtomicU64::new(0), nth },
            When::Chance { of, seed } => Self::Dice { of, generator: Mutex::new(SmallRng::seed_from_u64(seed)) },
        }
    }

    fn strikes(&self) -> bool {
        match self {
            Self::Count { hits, nth } => hits.fetch_add(1, Ordering::Relaxed) + 1 == *nth,
            Self::Dice { of, generator } => generator.lock().unwrap_or_else(PoisonError::into_inner).random_bool(*of),
        }
    }
}

/// Comes by `reply.after` once the answer that is being returned was written. The task of its connection writes it
/// before it waits again, so what is spawned here, and lets others go first, comes behind that.
pub(crate) fn after_reply() {
    if fail::has_failpoints() {
        tokio::spawn(async {
            tokio::task::yield_now().await;
            fail::fail_point!("reply.after");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variable_says() {
        let parsed = |text: &str| text.parse::<Kill>();
        assert_eq!(parsed("append.after:3"), Ok(Kill { at: Some("append.after"), when: When::Nth(3) }));
        let dice = When::Chance { of: 0.25, seed: 7 };
        assert_eq!(parsed("*:0.25:7"), Ok(Kill { at: None, when: dice }));
        for wrong in ["", "append.after", "append.after:0", "append.after:x", "*:2:1", "*:0.5:1:1", "elsewhere:1"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_dice_fall_the_same_way_for_a_seed() {
        let throws = |seed| {
            let clock = Clock::new(When::Chance { of: 0.5, seed });
            (0..64).map(|_| clock.strikes()).collect::<Vec<_>>()
        };
        assert_eq!(throws(1), throws(1));
        assert_ne!(throws(1), throws(2));
    }

    #[test]
    fn the_count_strikes_once() {
        let clock = Clock::new(When::Nth(2));
        assert_eq!([(); 4].map(|()| clock.strikes()), [false, true, false, false]);
    }

    #[test]
    fn tests_are_built_with_failpoints() {
        assert!(fail::has_failpoints());
    }
}
