//! The way to a payment, in plain tables: what is asked of providers, and what they tell.
//!
//! A payment itself is an event of its order. What is here leads there, and may be lost without a payment being lost:
//! the provider has it too, and tells again.
//!
//! - [`intents`]: what a customer was asked to pay, and how that goes. [`open`]: what is not at its end, for people to
//!   look at.
//! - [`notices`]: the inbox of what providers tell by webhook, kept before they are thanked for it.
//!
//! What is due is claimed with a lease: whoever claimed it and is gone has it claimed by another once the lease is
//! over. Two at once do no harm, as what they do comes to the same command; and what one of them writes after its lease
//! is not taken down over what the other found.

pub mod intents;
pub mod notices;
pub mod open;

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How long whoever claimed something may take. What is not settled by then is claimed again.
pub const LEASE: Duration = Duration::from_secs(60);
/// How often something is tried before a person has to look at it: for some 20 hours.
pub const MAX_ATTEMPTS: u32 = 24;

/// The pause after the first attempt; after each further one it is three times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// The pause before a pending payment is looked at again; after each further look it is twice as long.
const FIRST_LOOK: Duration = Duration::from_secs(60 * 60);
const LONGEST_TO_LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// When something is tried again after so many attempts.
fn again_at(now: DateTime<Utc>, attempts: u32) -> DateTime<Utc> {
    let pause = 3_u32.checked_pow(attempts.saturating_sub(1)).and_then(|times| FIRST_PAUSE.checked_mul(times));
    later(now, pause.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

/// When a pending payment is looked at again after so many looks.
fn look_at(now: DateTime<Utc>, looks: u32) -> DateTime<Utc> {
    let pause = 2_u32.checked_pow(looks).and_then(|times| FIRST_LOOK.checked_mul(times));
    later(now, pause.unwrap_or(LONGEST_TO_LOOK).min(LONGEST_TO_LOOK))
}

/// The time that lies `by` after `time`; the end of time where there is none.
fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The time that lies `by` before `time`; the beginning of time where there is none.
fn earlier(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_sub_signed(by).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// As much of a text as the tables keep.
fn shortened(text: &str) -> String {
    const MOST_BYTES: usize = 500;
    text.chars()
        .scan(0, |bytes, char| {
            *bytes += char.len_utf8();
            (*bytes <= MOST_BYTES).then_some(char)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let after = |attempts| (again_at(DateTime::UNIX_EPOCH, attempts) - DateTime::UNIX_EPOCH).num_seconds();
        assert_eq!([1, 2, 3, 4].map(after), [5, 15, 45, 135]);
        assert_eq!([0, 20, u32::MAX].map(after), [5, 3_600, 3_600]);
        let all: i64 = (1..MAX_ATTEMPTS).map(after).sum();
        assert!((15..24).contains(&(all / 3_600)), "{all} s");
    }

    #[test]
    fn what_is_pending_is_looked_at_ever_less_often_and_at_least_once_a_day() {
        let after = |looks| (look_at(DateTime::UNIX_EPOCH, looks) - DateTime::UNIX_EPOCH).num_hours();
        assert_eq!([0, 1, 2, 4, 5, 31, u32::MAX].map(after), [1, 2, 4, 16, 24, 24, 24]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ü".repeat(400)).len(), 500);
        assert_eq!(shortened(&"茶".repeat(400)).len(), 498);
    }
}
