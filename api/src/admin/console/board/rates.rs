//! How quickly something goes on, by what was seen of it lately.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// What is older says nothing of now.
const LOOKED_BACK: Duration = Duration::from_secs(15);
/// The most looks that are kept of each.
const MAX_LOOKS: usize = 32;

/// Counts that grow, each as it was seen.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<String, VecDeque<(Instant, u64)>>);

impl Rates {
    /// Takes in how far everything is. What is not among it any more is forgotten.
    pub(super) fn see(&mut self, at: Instant, counts: Vec<(String, u64)>) {
        let mut seen = HashMap::with_capacity(counts.len());
        for (name, count) in counts {
            let mut looks = self.0.remove(&name).unwrap_or_default();
            let is_stale = |then: Instant| at.saturating_duration_since(then) > LOOKED_BACK;
            while looks.front().is_some_and(|(then, before)| is_stale(*then) || *before > count)
                || looks.len() >= MAX_LOOKS
            {
                looks.pop_front();
            }
            looks.push_back((at, count));
            seen.insert(name, looks);
        }
        self.0 = seen;
    }

    /// How many a second; `None` where it was seen only once.
    pub(super) fn per_second(&self, name: &str) -> Option<f64> {
        let looks = self.0.get(name)?;
        let ((then, before), (now, count)) = (looks.front()?, looks.back()?);
        let passed = now.duration_since(*then);
        (!passed.is_zero()).then(|| (count - before) as f64 / passed.as_secs_f64())
    }

    /// How many seconds so many more take; `None` where nothing moves.
    pub(super) fn left_s(&self, name: &str, behind: u64) -> Option<u64> {
        let rate = self.per_second(name).filter(|rate| *rate > 0.0)?;
        // Far below 2^53.
        Some((behind as f64 / rate).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_seconds() {
        let (mut rates, begun) = (Rates::default(), Instant::now());
        let mut see = |after_s, count| {
            rates.see(begun + Duration::from_secs(after_s), vec![("log".to_owned(), count)]);
            (rates.per_second("log"), rates.left_s("log", 500))
        };
        assert_eq!(see(0, 1_000), (None, None));
        assert_eq!(see(10, 2_000), (Some(100.0), Some(5)));
        assert_eq!(see(20, 2_000), (Some(0.0), None), "the first look is too old");
        assert_eq!(see(21, 10), (None, None), "a log that was restored");
    }
}
