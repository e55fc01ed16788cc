//! Growing pauses with jitter, so that those who failed together do not try again together.

use rand::Rng;
use std::time::Duration;

/// The pause before attempt `attempt + 1`, where `attempt` counts from 1: doubled each time up to `longest`, then cut
/// to a random part between a half and the whole.
pub(crate) fn growing(first: Duration, longest: Duration, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(30);
    let whole = first.saturating_mul(1 << doublings).min(longest);
    whole.mul_f64(rand::rng().random_range(0.5..=1.0))
}

/// A row of growing pauses.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    longest: Duration,
    taken: u32,
}

impl Pauses {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, taken: 0 }
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.taken = self.taken.saturating_add(1);
        growing(self.first, self.longest, self.taken)
    }

    pub(crate) fn start_over(&mut self) {
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_never_beyond() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(5));
        for attempt in 1..=200 {
            let pause = growing(first, longest, attempt);
            let whole = first * 2_u32.pow((attempt - 1).min(10));
            assert!(pause <= longest && pause >= whole.min(longest) / 2, "{attempt}: {pause:?}");
        }
    }
}
