//! Counts the events that wait in each partition, page by page, within a bound.
//!
//! One page serves all partitions that are about as far. Those that are far apart are each counted from their own
//! place: first until the age of every partition's first event is known, then those to their end that come to it within
//! the bound.

use super::Lag;
use crate::partitioner::partition_of;
use chrono::{DateTime, Utc};
use commands::EventKey;
use domain::Position;

/// How many events are looked at in all, one by one.
const LOOKED_AT_EVENTS: u32 = 100_000;
/// How many of them are read at once.
const PAGE_EVENTS: u32 = 5_000;

/// What is to be read next: the events of the kind behind `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub after: Position,
    pub limit: u32,
}

/// The partitions of one kind, by their numbers from 0.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Vec<Count>,
    /// How many events may still be looked at.
    left: u32,
    /// Where the log ended at the beginning.
    head: Position,
}

/// What waits in a partition, as far as it is counted.
#[derive(Debug)]
struct Count {
    up_to: Position,
    events: u64,
    first: Option<(Position, DateTime<Utc>)>,
    is_whole: bool,
}

impl Tally {
    /// Of partitions that have noted everything up to these positions.
    pub(super) fn new(noted: impl IntoIterator<Item = Position>, head: Position) -> Self {
        let count = |up_to| Count { up_to, events: 0, first: None, is_whole: false };
        Self { counts: noted.into_iter().map(count).collect(), left: LOOKED_AT_EVENTS, head }
    }

    /// What is to be read next; `None` once all is counted, or as much as may be.
    pub(super) fn next(&self) -> Option<Page> {
        let limit = self.left.min(PAGE_EVENTS);
        let open = || self.counts.iter().filter(|count| !count.is_whole);
        let blank = open().filter(|count| count.first.is_none()).map(|count| count.up_to).min();
        let ends = |up_to: &Position| self.head.0.saturating_sub(up_to.0) <= u64::from(self.left);
        let after = blank
            // The furthest behind of those that come to their end; all others are passed by on the way there.
            .or_else(|| open().map(|count| count.up_to).filter(ends).min())
            .or_else(|| open().map(|count| count.up_to).max())?;
        (limit > 0).then_some(Page { after, limit })
    }

    /// Counts what was read: events in order.
    pub(super) fn take(&mut self, page: Page, keys: &[EventKey]) {
        let partitions = self.counts.len();
        for key in keys {
            let number = partition_of(&key.aggregate_id, partitions).and_then(|number| usize::try_from(number).ok());
            let Some(count) = number.and_then(|number| self.counts.get_mut(number)) else { continue };
            // One that is further behind than this page would miss what lies between.
            if !count.is_whole && count.up_to >= page.after && key.position > count.up_to {
                count.events += 1;
                count.first.get_or_insert((key.position, key.recorded_at));
            }
        }
        let read = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(read);
        let last = keys.last().map_or(page.after, |key| key.position);
        for count in self.counts.iter_mut().filter(|count| count.up_to >= page.after) {
            count.up_to = count.up_to.max(last);
            count.is_whole |= read < page.limit;
        }
    }

    /// How far each partition is behind, and which event it is to be handed next, where one waits.
    pub(super) fn lags(&self, now: DateTime<Utc>) -> impl Iterator<Item = (Lag, Option<Position>)> {
        self.counts.iter().map(move |count| {
            // The first may have been recorded since.
            let waited = |since: DateTime<Utc>| (now - since).num_milliseconds().max(0) as f64 / 1_000.0;
            let seconds = count.first.map_or(0.0, |(_, since)| waited(since));
            let lag = Lag { events: count.events, is_exact: count.is_whole, seconds };
            (lag, count.first.map(|(position, _)| position))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    /// A log of events in turn for each of these partitions, one a second, and what is counted of it at its end.
    fn counted(events: u64, noted: &[u64]) -> (Vec<Lag>, u64) {
        let ids: Vec<String> = (0..noted.len())
            .map(|number| {
                let mut ids = (0..).map(|id: u32| id.to_string());
                ids.find(|id| partition_of(id, noted.len()) == i32::try_from(number).ok()).unwrap()
            })
            .collect();
        let at = |position: u64| DateTime::UNIX_EPOCH + TimeDelta::seconds(position.cast_signed());
        let read = |page: Page| -> Vec<EventKey> {
            let behind = page.after.0 + 1..=events;
            let key = |position: u64| EventKey {
                position: Position(position),
                aggregate_id: ids[(position % ids.len() as u64) as usize].clone(),
                recorded_at: at(position),
            };
            behind.take(page.limit as usize).map(key).collect()
        };
        let mut tally = Tally::new(noted.iter().copied().map(Position), Position(events));
        let mut looked_at = 0;
        while let Some(page) = tally.next() {
            let keys = read(page);
            looked_at += keys.len() as u64;
            tally.take(page, &keys);
        }
        (tally.lags(at(events)).map(|(lag, _)| lag).collect(), looked_at)
    }

    #[test]
    fn each_partition_counts_from_its_own_place() {
        let (lags, looked_at) = counted(1_000, &[1_000, 400, 990, 999]);
        let exact = |events, seconds: u64| Lag { events, is_exact: true, seconds: seconds as f64 };
        // The events of partition 1 are at 1, 5, 9, …; those of 2 at 2, 6, 10, …
        assert_eq!(lags, [exact(0, 0), exact(150, 599), exact(2, 6), exact(0, 0)]);
        assert_eq!(looked_at, 600, "once for all of them");
    }

    #[test]
    fn one_far_behind_hides_neither_the_count_nor_the_age_of_another() {
        let (lags, looked_at) = counted(1_000_000, &[0, 999_000, 1_000_000, 970_000]);
        assert_eq!((lags[0].is_exact, lags[0].seconds), (false, 999_996.0));
        assert!(lags[0].events >= 1_000 && lags[0].events <= 250_000, "it is at least as many: {lags:?}");
        assert_eq!((lags[1].events, lags[1].is_exact, lags[1].seconds), (250, true, 999.0));
        assert_eq!(lags[2], Lag { events: 0, is_exact: true, seconds: 0.0 });
        assert_eq!((lags[3].events, lags[3].is_exact, lags[3].seconds), (7_500, true, 29_997.0));
        assert!(looked_at <= u64::from(LOOKED_AT_EVENTS), "{looked_at}");
    }

    #[test]
    fn beyond_the_bound_it_is_at_least_as_many_never_more() {
        let (lags, looked_at) = counted(1_000_000, &[0, 10, 20, 30]);
        assert_eq!(looked_at, u64::from(LOOKED_AT_EVENTS));
        for lag in &lags {
            assert!(!lag.is_exact && lag.events >= 24_000 && lag.events <= 25_000, "{lags:?}");
        }
        assert_eq!(lags.iter().map(|lag| lag.seconds).fold(0.0, f64::max), 999_996.0);
    }
}
