//! Looking again at what an earlier effect of its order held when it was noted, and may hold no more.

use super::Member;
use crate::consumer::Consumer;
use crate::ledger::LedgerError;
use crate::ledger::held::{self, Place};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How long after the first look at an effect the last one is, at least. What was being ended while it was noted has
/// ended by then.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How often all that is open is gone through.
const ALL_EVERY: Duration = Duration::from_secs(5);
/// How long it rests between two pieces of that, at least.
const REST: Duration = Duration::from_millis(250);
/// How many times as long as a piece took it rests: whoever has millions open has other work too.
const RESTS_TIMES: u32 = 4;
/// The most effects that are kept to be looked at again. Others are found when all is gone through.
const KEPT_EFFECTS: usize = 10_000;

/// When what is held is looked at, and how far that is.
pub(super) struct Looks {
    /// Looked at since `again` was set.
    once: Vec<i64>,
    /// Looked at before that: they are looked at once more.
    before: Vec<i64>,
    again: Instant,
    /// When the next piece of all is gone through.
    piece: Instant,
    /// Behind which it begins.
    place: Place,
}

impl Looks {
    /// The first ones are at `now`.
    pub(super) const fn from(now: Instant) -> Self {
        Self { once: Vec::new(), before: Vec::new(), again: now, piece: now, place: Place::beginning() }
    }

    /// What is to be looked at now by its number, with what was noted as held meanwhile.
    fn wanted(&mut self, noted: Vec<i64>, now: Instant) -> Vec<i64> {
        let mut wanted = noted.clone();
        self.once.extend(noted);
        if now >= self.again {
            wanted.append(&mut self.before);
            self.before = std::mem::take(&mut self.once);
            self.again = now + AGAIN_AFTER;
        }
        wanted
    }

    /// The next piece begins behind `next`, soon, or it is the first one again.
    fn goes_on(&mut self, next: Option<Place>, now: Instant, took: Duration) {
        match next {
            Some(place) => {
                self.place = place;
                self.piece = now + REST.max(took * RESTS_TIMES);
            }
            None => self.place = Place::beginning(),
        }
    }
}

impl<C: Consumer> Member<C> {
    /// Keeps what was noted as held, to be looked at again.
    pub(super) fn keep_held(&self, ids: &[i64]) {
        let mut kept = self.noted_held.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT_EFFECTS.saturating_sub(kept.len());
        kept.extend(ids.iter().take(room));
    }

    /// Makes due what nothing holds any more; says whether there was any. Where that can't be looked up now, nothing
    /// else waits for it.
    pub(super) async fn look_at_held(&self, looks: &mut Looks) -> bool {
        let kept = std::mem::take(&mut *self.noted_held.lock().unwrap_or_else(PoisonError::into_inner));
        match self.release_held(looks, kept).await {
            Ok(released) => released > 0,
            Err(error) => {
                tracing::warn!(consumer = C::NAME, %error, "what is held can't be looked up now");
                false
            }
        }
    }

    async fn release_held(&self, looks: &mut Looks, noted: Vec<i64>) -> Result<u64, LedgerError> {
        let (ledger, wanted) = (&self.tools.ledger, looks.wanted(noted, Instant::now()));
        let mut released = if wanted.is_empty() { 0 } else { held::release(ledger, &wanted).await? };
        let began = Instant::now();
        if began >= looks.piece {
            // Also after an error: what takes too long is not asked for the more often.
            looks.piece = began + ALL_EVERY;
            let piece = held::release_behind(ledger, C::NAME, &looks.place).await?;
            released += piece.released;
            looks.goes_on(piece.next, Instant::now(), began.elapsed());
        }
        Ok(released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_as_held_is_looked_at_at_once_and_once_more_a_while_later() {
        let start = Instant::now();
        let mut looks = Looks::from(start);
        assert_eq!(looks.wanted(vec![1], start), [1]);
        let soon = start + AGAIN_AFTER / 2;
        assert_eq!(looks.wanted(vec![2], soon), [2]);
        assert!(looks.wanted(Vec::new(), soon).is_empty(), "it was just looked at");
        let later = start + AGAIN_AFTER;
        assert_eq!(looks.wanted(vec![3], later), [3, 1]);
        assert_eq!(looks.wanted(Vec::new(), later + AGAIN_AFTER), [2, 3]);
        assert!(looks.wanted(Vec::new(), later + AGAIN_AFTER * 2).is_empty());
    }

    #[test]
    fn all_that_is_open_is_gone_through_in_turns() {
        let start = Instant::now();
        let mut looks = Looks::from(start);
        looks.piece = start + ALL_EVERY;
        looks.goes_on(None, start, Duration::ZERO);
        assert_eq!((looks.piece, &looks.place), (start + ALL_EVERY, &Place::beginning()));
        looks.goes_on(Some(Place::beginning()), start, Duration::from_millis(1));
        assert_eq!(looks.piece, start + REST, "the next piece comes soon");
        looks.goes_on(Some(Place::beginning()), start, Duration::from_secs(2));
        assert_eq!(looks.piece, start + Duration::from_secs(8), "and the more it costs, the later");
    }
}
