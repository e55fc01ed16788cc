//! How often somebody may ask, an API key or a visitor: a token bucket each.

use crate::problem::{Code, Problem};
use http::header;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The most buckets that are kept. Whoever comes when there are more is not counted: memory stays bounded, and nobody is kept
/// out by strangers.
const MAX_BUCKETS: usize = 100_000;

/// How often a key may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests per second, in the long run. More than zero.
    pub per_second: f64,
    /// Requests at once, after a pause. At least one.
    pub burst: u32,
}

/// Counts the requests of each key.
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
        self.wait_for(key).map_err(refused)
    }

    /// Counts one request of the key, or says how long to wait.
    pub(crate) fn wait_for(&self, key: Uuid) -> Result<(), Duration> {
        self.limit.map_or(Ok(()), |limit| self.take_at(limit, key, Instant::now()))
    }

    fn take_at(&self, limit: RateLimit, key: Uuid, now: Instant) -> Result<(), Duration> {
        let burst = f64::from(limit.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
            // A full one says as much as none.
            buckets.retain(|_, bucket| bucket.tokens_at(limit, now) < burst);
            if buckets.len() >= MAX_BUCKETS {
                return Ok(());
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: burst, filled_at: now });
        bucket.tokens = bucket.tokens_at(limit, now);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::try_from_secs_f64((1.0 - bucket.tokens) / limit.per_second).unwrap_or(Duration::MAX));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

impl Bucket {
    fn tokens_at(&self, limit: RateLimit, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        (self.tokens + elapsed * limit.per_second).min(f64::from(limit.burst))
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

    #[test]
    fn there_are_only_so_many_buckets() {
        let limit = RateLimit { per_second: 1.0, burst: 1 };
        let (limiter, start) = (Limiter::new(Some(limit)), Instant::now());
        let take = |key, after_s| limiter.take_at(limit, Uuid::from_u128(key), start + Duration::from_secs(after_s));
        for key in 0..MAX_BUCKETS as u128 {
            assert_eq!(take(key, 0), Ok(()));
        }
        assert_eq!((take(u128::MAX, 0), take(u128::MAX, 0)), (Ok(()), Ok(())), "not counted, as there is no room");
        assert!(take(0, 0).is_err(), "who is counted stays so");
        assert_eq!(take(u128::MAX, 1), Ok(()), "buckets that have filled made room");
        assert!(take(u128::MAX, 1).is_err());
        assert_eq!(limiter.buckets.lock().unwrap().len(), 1);
    }
}
