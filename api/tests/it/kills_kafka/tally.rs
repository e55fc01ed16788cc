//! What a run counts, and how it is told.

use crate::shop_under_load::figures::Figures;
use crate::shop_under_load::shop::Role;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many mails one process may have marked as being sent: one on each of its connections, and on each one more that
/// went over it right before and whose outcome is just being written down.
const IN_SENDING_AT_MOST: usize = 2 * 16;

/// The figures of one shop, or of all.
#[derive(Debug, Default)]
pub struct Tally {
    /// By failpoint: how often a process was killed there.
    kills: BTreeMap<&'static str, usize>,
    /// By failpoint: how often a process did not come by there in time and was killed elsewhere.
    unreached: BTreeMap<&'static str, usize>,
    /// Of all of these: how many were of processes that send mails.
    mailers: usize,
    lived: Duration,
    pub stopped_in_order: usize,
    /// The longest time without a success while the shop was killed in one shape.
    longest_outage: Duration,
    pub figures: Figures,
}

impl Tally {
    pub fn killed(&mut self, at: &'static str, role: Role, lived: Duration) {
        *self.kills.entry(at).or_default() += 1;
        self.mailers += usize::from(role.sends_mails());
        self.lived += lived;
    }

    pub fn unreached(&mut self, at: &'static str, role: Role) {
        *self.unreached.entry(at).or_default() += 1;
        self.mailers += usize::from(role.sends_mails());
    }

    pub fn outage(&mut self, lasted: Duration) {
        self.longest_outage = self.longest_outage.max(lasted);
    }

    /// How often processes were killed, wherever.
    pub fn kills(&self) -> usize {
        self.kills.values().chain(self.unreached.values()).sum()
    }

    /// Fails if more mails are unknown than were cut off by kills.
    pub fn explains_unknown_mails(&self) {
        let unknown = self.figures.effects.unknown;
        let explained = self.mailers * IN_SENDING_AT_MOST;
        assert!(unknown <= explained, "{unknown} mails are unknown, {} of those who send were killed", self.mailers);
    }

    /// The failpoints at which no process was killed.
    pub fn missed(&self) -> Vec<&'static str> {
        super::on_the_walk().filter(|name| !self.kills.contains_key(name)).collect()
    }

    pub fn add(&mut self, other: Self) {
        for (mine, others) in [(&mut self.kills, other.kills), (&mut self.unreached, other.unreached)] {
            others.into_iter().for_each(|(name, count)| *mine.entry(name).or_default() += count);
        }
        self.mailers += other.mailers;
        self.lived += other.lived;
        self.stopped_in_order += other.stopped_in_order;
        self.longest_outage = self.longest_outage.max(other.longest_outage);
        self.figures.add(&other.figures);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills = self.kills();
        writeln!(f, "{kills} kills, {} more processes stopped in order", self.stopped_in_order)?;
        for (name, count) in &self.kills {
            writeln!(f, "  {count:>5}  {name}")?;
        }
        for (name, count) in &self.unreached {
            writeln!(f, "  {count:>5}  elsewhere, as {name} did not come in time")?;
        }
        let mean = self.lived / u32::try_from(kills.max(1)).unwrap_or(u32::MAX);
        writeln!(f, "a process lived for {mean:.1?}; longest time without a success: {:.1?}", self.longest_outage)?;
        write!(f, "{}", self.figures)
    }
}
