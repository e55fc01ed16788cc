//! What all checks have in common: a bounded list of what was found, how far they are, and being asked to stop.

use tokio_util::sync::CancellationToken;

/// What was found: the first of it, and how much there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<D> {
    listed: Vec<D>,
    count: u64,
    most_listed: usize,
}

impl<D> Found<D> {
    /// Nothing yet; of what comes at most `most_listed` are kept, and all are counted.
    pub fn new(most_listed: usize) -> Self {
        Self { listed: Vec::new(), count: 0, most_listed }
    }

    /// The first of them, where they were counted elsewhere.
    pub fn counted(listed: Vec<D>, count: u64) -> Self {
        let most_listed = listed.len();
        Self { listed, count, most_listed }
    }

    /// Takes one in.
    pub fn add(&mut self, difference: D) {
        self.count += 1;
        if self.listed.len() < self.most_listed {
            self.listed.push(difference);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first of them.
    pub fn listed(&self) -> &[D] {
        &self.listed
    }
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being looked at.
    pub what: &'a str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is; may grow.
    pub total: u64,
}

/// Asked to stop before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped before the end")]
pub struct Stopped;

/// Who waits for a check.
pub struct Watch<'a> {
    /// How many differences of one kind of check are kept.
    pub most_listed: usize,
    /// Ends it.
    pub cancel: &'a CancellationToken,
    /// Told how far it is, after each batch.
    pub progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

impl Watch<'_> {
    /// Tells how far the check is; [`Stopped`] when it is to end.
    pub fn tell(&mut self, what: &str, done: u64, total: u64) -> Result<(), Stopped> {
        (self.progress)(Progress { what, done, total });
        if self.cancel.is_cancelled() { Err(Stopped) } else { Ok(()) }
    }
}
