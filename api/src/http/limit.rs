//! How many requests a key may make: a token bucket each. Off unless it is set.

use crate::problem::{Code, Problem};
use http::header;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often a key may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests per second, in the long run. More than zero.
    pub per_second: f64,
    /// Requests at once, after a pause. At least one.
    pub burst: u32,
}

/// Counts the requests of each key. Only valid keys get here, so there are as many buckets as keys in use.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    limit: Option<RateLimit>,
    buckets: Mutex<HashMap<Uuid, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Limiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, buckets: Mutex::default() }
    }

    /// Counts one request of the key, or says when to come again.
    pub(crate) fn take(&self, key: Uuid) -> Result<(), Problem> {
        match self.limit {
            None => Ok(()),
            Some(limit) => self.take_at(limit, key, Instant::now()).map_err(refused),
        }
    }

    fn take_at(&self, limit: RateLimit, key: Uuid, now: Instant) -> Result<(), Duration> {
        let burst = f64::from(limit.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: burst, filled_at: now });
        let elapsed = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * limit.per_second).min(burst);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::try_from_secs_f64((1.0 - bucket.tokens) / limit.per_second).unwrap_or(Duration::MAX));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

fn refused(wait: Duration) -> Problem {
    let seconds = wait.as_secs().saturating_add(1);
    Problem::new(Code::RateLimited, format!("Try again in {seconds} s.")).header(header::RETRY_AFTER, seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let limit = RateLimit { per_second: 2.0, burst: 3 };
        let (limiter, key, start) = (Limiter::new(Some(limit)), Uuid::from_u128(1), Instant::now());
        let take = |key, after_ms| limiter.take_at(limit, key, start + Duration::from_millis(after_ms));
        for _ in 0..3 {
            assert_eq!(take(key, 0), Ok(()));
        }
        assert_eq!(take(key, 0), Err(Duration::from_millis(500)));
        assert_eq!(take(Uuid::from_u128(2), 0), Ok(()), "another key has its own bucket");
        assert_eq!(take(key, 500), Ok(()));
        assert!(take(key, 500).is_err());
        for _ in 0..3 {
            assert_eq!(take(key, 60_000), Ok(()), "a pause fills it, but not beyond the burst");
        }
        assert!(take(key, 60_000).is_err());
    }
}
