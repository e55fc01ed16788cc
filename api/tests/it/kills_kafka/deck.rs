//! What each process is killed at, dealt from decks that a seed shuffles: so each failpoint has its turn.

use crate::shop_under_load::shop::Role;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

/// The longest that a process lives whose end is a moment.
const MOMENT_AT_MOST_MS: u64 = 2_500;
/// The cards of a deck that name no failpoint.
const MOMENTS: [&str; 1] = [""];

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
    first: Vec<&'static str>,
    left: HashMap<&'static str, Vec<&'static str>>,
}

impl Decks {
    /// `first` is the order of the failpoints in the first deck of each role; the later ones are shuffled.
    pub fn new(first: Vec<&'static str>, seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), first, left: HashMap::new() }
    }

    /// The next card for a process of that role.
    pub fn deal(&mut self, role: Role) -> Card {
        let points = self.first.iter().copied().filter(|name| comes_by(role, name));
        match self.left.entry(role.name()) {
            // What is dealt last lies lowest.
            Entry::Vacant(first) => {
                first.insert(points.rev().collect::<Vec<_>>()).splice(0..0, MOMENTS);
            }
            Entry::Occupied(mut left) if left.get().is_empty() => {
                left.get_mut().extend(points.chain(MOMENTS));
                left.get_mut().shuffle(&mut self.rng);
            }
            Entry::Occupied(_) => {}
        }
        match self.left.get_mut(role.name()).and_then(Vec::pop) {
            None | Some("") => Card::Moment(Duration::from_millis(self.rng.random_range(0..MOMENT_AT_MOST_MS))),
            Some(name) => Card::Failpoint { name, nth: self.rng.random_range(1..=most(name)) },
        }
    }
}

/// Whether a process of that role ever comes by a failpoint.
fn comes_by(role: Role, failpoint: &str) -> bool {
    let moments: &[&str] = match role {
        Role::Serve => return true,
        Role::Api(_) => &["append", "commit", "reply"],
        Role::Relay => &["produce", "kafka_commit"],
        Role::Projections => &["projection_commit"],
        Role::Consumers => &["claim", "reclaim", "sending", "send", "outcome"],
    };
    failpoint.split('.').next().is_some_and(|moment| moments.contains(&moment))
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
