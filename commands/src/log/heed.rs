//! What others tell of the log is a hint, and is never believed: PostgreSQL lets every login send NOTIFY, one that may
//! only read too.
//!
//! A hint leads to a look at the log, and what is found there counts. One look at a time serves all that was told
//! meanwhile.

use super::{Log, LogError};
use domain::Position;
use std::time::Duration;

/// What stands behind the position, after a space, when products changed, or what they stand under.
pub(super) const CATALOGUE: &str = "products";
/// How many events one look reads for those who wait for them.
const LOOK_ROWS: u32 = 500;
/// At most one look per this time for what was told and is not so.
const PAUSE_AFTER_UNTRUE: Duration = Duration::from_millis(20);
/// How long to wait before a look that failed is tried again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was told and not looked at yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// As far as the log is said to reach.
    head: Position,
    /// The catalogue is said to have changed, somewhere up to here.
    catalogue: Option<Position>,
}

impl Hint {
    /// Reads a message; `None` for one that no program of ours sends.
    pub(super) fn of(message: &str) -> Option<Self> {
        let (head, about) = message.split_once(' ').unwrap_or((message, ""));
        let head = Position(head.parse().ok()?);
        Some(Self { head, catalogue: (about == CATALOGUE).then_some(head) })
    }

    /// Both.
    fn and(self, other: Self) -> Self {
        Self { head: self.head.max(other.head), catalogue: self.catalogue.max(other.catalogue) }
    }
}

impl Log {
    /// Takes in what was told. It is looked at soon.
    pub(super) fn told(&self, hint: Hint) {
        // What this process appended comes back to it, and needs no look.
        if hint.head > self.known_head() || hint.catalogue.is_some() {
            self.shared.hints.send_modify(|hints| *hints = hints.and(hint));
        }
    }

    /// Finds out what there is to a hint.
    async fn heed(&self, hint: Hint) -> Result<(), LogError> {
        if hint.head > self.known_head() {
            self.look(hint.head).await?;
        }
        if let Some(at) = hint.catalogue {
            self.catalogue_changed(at.min(self.known_head()));
        }
        Ok(())
    }

    /// Finds how far the log reaches. Where somebody waits for events they are read for that: whoever wakes then has
    /// them in memory, so that looking first makes nobody wait for longer.
    async fn look(&self, told: Position) -> Result<(), LogError> {
        if self.shared.head.receiver_count() > 0 {
            let read = self.read(self.known_head(), LOOK_ROWS).await?;
            if let Some(last) = read.last() {
                self.heard_of(last.position);
            }
        }
        if told > self.known_head() {
            self.head().await?;
        }
        Ok(())
    }
}

/// Heeds hints, one after the other.
pub(super) async fn heed(log: Log) {
    let mut hints = log.shared.hints.subscribe();
    // A run of this that ended by a fault may have left some.
    hints.mark_changed();
    while hints.changed().await.is_ok() {
        let mut hint = Hint::default();
        log.shared.hints.send_if_modified(|hints| {
            hint = std::mem::take(hints);
            false
        });
        if let Err(error) = log.heed(hint).await {
            tracing::debug!(%error, "what other processes told could not be looked at; trying again");
            // The poll finds new events, but not that the catalogue changed.
            log.shared.hints.send_modify(|hints| *hints = hints.and(hint));
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        } else if hint.head > log.known_head() {
            tracing::debug!(told = hint.head.0, "the log does not reach as far as was told");
            tokio::time::sleep(PAUSE_AFTER_UNTRUE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_a_position_and_perhaps_the_catalogue() {
        let of = |head, catalogue: Option<u64>| Some(Hint { head: Position(head), catalogue: catalogue.map(Position) });
        assert_eq!(Hint::of("42"), of(42, None));
        assert_eq!(Hint::of("42 products"), of(42, Some(42)));
        assert_eq!(Hint::of("42 orders"), of(42, None));
        assert_eq!(["", "products", "-1", "x 42"].map(Hint::of), [None; 4]);
    }

    #[test]
    fn of_several_hints_none_is_lost() {
        let [plain, catalogue] = ["50", "42 products"].map(|message| Hint::of(message).unwrap());
        let both = Hint { head: Position(50), catalogue: Some(Position(42)) };
        assert_eq!((plain.and(catalogue), catalogue.and(plain)), (both, both));
        assert_eq!(both.and(Hint::default()), both);
    }
}
