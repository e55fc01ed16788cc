//! How often somebody may ask, an API key, a visitor or an address: a token bucket each.

use crate::problem::{Code, Problem};
use http::header;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The most buckets that are kept. Whoever comes when there are more is not counted: memory stays bounded, and nobody
/// is kept out by strangers.
const MAX_BUCKETS: usize = 100_000;
/// How often, at most, all of them are looked through for some that say nothing any more.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How often a key may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests per second, in the long run. More than zero.
    pub per_second: f64,
    /// Requests at once, after a pause. At least one.
    pub burst: u32,
}

impl RateLimit {
    /// How long whoever has so many tokens has to wait for a whole one.
    fn wait_with(self, tokens: f64) -> Result<(), Duration> {
        if tokens >= 1.0 {
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - tokens) / self.per_second).unwrap_or(Duration::MAX))
    }
}

/// How often one address may do what everybody may do without being known. All customers behind one address (an office,
/// a mobile network) share what is given to it, so it is more than one of them takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AddressLimits {
    /// Tries of a password, whoever's.
    pub log_ins: RateLimit,
    /// Forms after which a mail is written: joining, a forgotten password, the newsletter.
    pub mails: RateLimit,
    /// Sessions that begin, each with a cart: the first that visitors put into it.
    pub sessions: RateLimit,
    /// Orders that are sent on the pages.
    pub checkouts: RateLimit,
    /// Notices of payment providers, genuine or not. They send one or two for each payment, and again what we do not
    /// take.
    pub notices: RateLimit,
    /// Of these, those that are not the provider's. Who sent more waits before a further one is looked at.
    pub forgeries: RateLimit,
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self {
            log_ins: RateLimit { per_second: 0.5, burst: 40 },
            mails: RateLimit { per_second: 1.0 / 30.0, burst: 20 },
            sessions: RateLimit { per_second: 2.0, burst: 500 },
            checkouts: RateLimit { per_second: 0.5, burst: 60 },
            notices: RateLimit { per_second: 100.0, burst: 500 },
            forgeries: RateLimit { per_second: 0.2, burst: 40 },
        }
    }
}

/// Counts the requests of each key.
#[derive(Debug)]
pub(crate) struct Limiter<K = Uuid> {
    limit: Option<RateLimit>,
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    of: HashMap<K, Bucket>,
    swept_at: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl<K: Eq + Hash> Limiter<K> {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, buckets: Mutex::new(Buckets { of: HashMap::new(), swept_at: None }) }
    }

    /// Counts one request of the key, or says when to come again.
    pub(crate) fn take(&self, key: K) -> Result<(), Problem> {
        self.wait_for(key).map_err(refused)
    }

    /// Counts one request of the key, or says how long to wait.
    pub(crate) fn wait_for(&self, key: K) -> Result<(), Duration> {
        self.limit.map_or(Ok(()), |limit| self.take_at(limit, key, Instant::now()))
    }

    /// Counts nothing, but says when to come again where a request would be too many.
    pub(crate) fn check(&self, key: &K) -> Result<(), Problem> {
        self.limit.map_or(Ok(()), |limit| self.check_at(limit, key, Instant::now())).map_err(refused)
    }

    fn check_at(&self, limit: RateLimit, key: &K, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.of.get(key).map_or(Ok(()), |bucket| limit.wait_with(bucket.tokens_at(limit, now)))
    }

    fn take_at(&self, limit: RateLimit, key: K, now: Instant) -> Result<(), Duration> {
        let burst = f64::from(limit.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.of.contains_key(&key) && !buckets.make_room(limit, now) {
            return Ok(());
        }
        let bucket = buckets.of.entry(key).or_insert(Bucket { tokens: burst, filled_at: now });
        bucket.tokens = bucket.tokens_at(limit, now);
        bucket.filled_at = now;
        limit.wait_with(bucket.tokens)?;
        bucket.tokens -= 1.0;
        Ok(())
    }
}

impl<K> Buckets<K> {
    /// Whether one more may be kept.
    fn make_room(&mut self, limit: RateLimit, now: Instant) -> bool {
        let is_due = |swept_at: Instant| now.saturating_duration_since(swept_at) >= SWEEP_EVERY;
        if self.of.len() >= MAX_BUCKETS && self.swept_at.is_none_or(is_due) {
            self.swept_at = Some(now);
            // A full one says as much as none.
            self.of.retain(|_, bucket| bucket.tokens_at(limit, now) < f64::from(limit.burst));
        }
        self.of.len() < MAX_BUCKETS
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
    fn to_be_looked_at_takes_nothing() {
        let limit = RateLimit { per_second: 2.0, burst: 1 };
        let (limiter, key, now) = (Limiter::new(Some(limit)), Uuid::from_u128(1), Instant::now());
        let check = |after_ms| limiter.check_at(limit, &key, now + Duration::from_millis(after_ms));
        assert_eq!((check(0), check(0)), (Ok(()), Ok(())));
        assert_eq!(limiter.take_at(limit, key, now), Ok(()));
        assert_eq!((check(0), check(250)), (Err(Duration::from_millis(500)), Err(Duration::from_millis(250))));
        assert_eq!((check(500), check(500)), (Ok(()), Ok(())));
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
        assert_eq!(limiter.buckets.lock().unwrap().of.len(), 1);
    }
}
