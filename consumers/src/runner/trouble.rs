//! Whether what a consumer does fails time and again, as while its mail server is away: that is told when it begins and
//! when it is over, and not for each effect.

use std::sync::atomic::{AtomicU32, Ordering};

/// After how many failures it is told, with no success between them: a single mailbox that is busy for now is nothing
/// to tell.
const TOLD_AFTER: u32 = 3;

/// How many attempts failed for now since the last one that ended well.
#[derive(Debug, Default)]
pub(super) struct Trouble(AtomicU32);

impl Trouble {
    /// An attempt failed for now. Says whether that is to be told: trouble begins.
    pub(super) fn failed(&self) -> bool {
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_add(1)));
        before.is_ok_and(|before| before == TOLD_AFTER - 1)
    }

    /// An attempt ended well. Says whether that is to be told: trouble is over.
    pub(super) fn succeeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0 && self.0.swap(0, Ordering::Relaxed) >= TOLD_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::Trouble;

    #[test]
    fn trouble_is_told_once_when_it_begins_and_once_when_it_is_over() {
        let trouble = Trouble::default();
        let failed: Vec<bool> = (0..6).map(|_| trouble.failed()).collect();
        assert_eq!(failed, [false, false, true, false, false, false]);
        assert_eq!([trouble.succeeded(), trouble.succeeded()], [true, false]);
        assert_eq!((0..3).filter(|_| trouble.failed()).count(), 1, "and the next time again");
    }

    #[test]
    fn one_that_fails_among_others_that_do_not_is_no_trouble() {
        let trouble = Trouble::default();
        for _ in 0..10 {
            assert!(!trouble.failed() && !trouble.failed() && !trouble.succeeded());
        }
    }
}
