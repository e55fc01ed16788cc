//! What is said about many numbers.

use std::time::Duration;

/// How long each of many requests took.
#[derive(Debug, Default)]
pub struct Latencies {
    sorted_us: Vec<u32>,
}

impl Latencies {
    /// Takes them in any order.
    pub fn of(mut us: Vec<u32>) -> Self {
        us.sort_unstable();
        Self { sorted_us: us }
    }

    /// The time, in milliseconds, within which that share of them was done (nearest rank); 0 if there are none.
    pub fn ms(&self, share: f64) -> f64 {
        let rank = (share * self.sorted_us.len() as f64).ceil() as usize;
        let us = self.sorted_us.get(rank.clamp(1, self.sorted_us.len().max(1)) - 1);
        us.map_or(0.0, |us| f64::from(*us) / 1_000.0)
    }
}

/// Whole microseconds; what is longer than an hour counts as an hour.
pub fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// The least, the middle and the most of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one number. The middle of an even count is the mean of the two.
    pub fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Self { min: sorted[0], median: f64::midpoint(low, high), max: sorted[sorted.len() - 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_requests_was_done_within_its_nearest_rank() {
        let latencies = Latencies::of((1..=100).rev().map(|ms| ms * 1_000).collect());
        assert_eq!((latencies.ms(0.5), latencies.ms(0.99), latencies.ms(1.0)), (50.0, 99.0, 100.0));
        assert_eq!(Latencies::of(vec![7_000]).ms(0.01), 7.0);
        assert_eq!(Latencies::of(Vec::new()).ms(0.5), 0.0);
    }

    #[test]
    fn the_middle_of_an_even_count_is_between_the_two() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]), Spread { min: 1.0, median: 2.5, max: 4.0 });
        assert_eq!(Spread::of(&[5.0]), Spread { min: 5.0, median: 5.0, max: 5.0 });
    }
}
