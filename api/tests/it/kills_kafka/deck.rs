//! What each process is killed at, dealt from decks that a seed shuffles: so each failpoint has its turn.

use super::shop::Role;
use api::failpoints;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;

/// The longest that a process lives whose end is a moment.
const MOMENT_AT_MOST_MS: u64 = 2_500;

/// How one process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Card {
    /// By itself, the n-th time that it comes by a failpoint.
    Failpoint { name: &'static str, nth: u64 },
    /// By a signal, after this time.
    Moment(Duration),
}

impl Card {
    /// What it is counted as.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failpoint { name, .. } => name,
            Self::Moment(_) => "any moment",
        }
    }
}

/// The decks of one shop, one for each role.
#[derive(Debug)]
pub struct Decks {
    rng: StdRng,
    left: HashMap<&'static str, Vec<&'static str>>,
}

impl Decks {
    pub fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), left: HashMap::new() }
    }

    /// The next card for a process of that role.
    pub fn deal(&mut self, role: Role) -> Card {
        let left = self.left.entry(role.name()).or_default();
        if left.is_empty() {
            left.extend(failpoints::NAMES.iter().filter(|name| role.comes_by(name)));
            left.push("");
            left.shuffle(&mut self.rng);
        }
        match left.pop().unwrap_or_default() {
            "" => Card::Moment(Duration::from_millis(self.rng.random_range(0..MOMENT_AT_MOST_MS))),
            name => Card::Failpoint { name, nth: self.rng.random_range(1..=most(name)) },
        }
    }
}

/// How often a process under load comes by a failpoint within a second or two.
fn most(failpoint: &str) -> u64 {
    match failpoint.split('.').next().unwrap_or_default() {
        "append" | "reply" | "projection_commit" => 50,
        "produce" => 100,
        "kafka_commit" => 30,
        "claim" | "reclaim" => 10,
        "commit" => 4,
        _ => 20,
    }
}
