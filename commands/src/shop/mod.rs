//! What the shop keeps of its visitors, in plain tables: it is no history, changes in place, and expires.
//!
//! - [`sessions`]: visits over several requests. [`carts`]: what somebody is about to order. [`member_carts`]: where
//!   they are one whichever session it is filled from. [`additions`]: what is put into them once, however often it is
//!   asked for.
//! - [`begun`]: how many purchases were begun. [`viewed`]: what a visitor looked at. [`links`]: addresses that only who
//!   was given them knows.
//!
//! Every function takes the time from its caller, so that what depends on it can be tested. What may be called a
//! thousand times a second is one statement, found by a key, and bounded in what it reads and writes.

pub mod additions;
pub mod begun;
pub mod carts;
pub mod links;
pub mod member_carts;
pub mod sessions;
pub mod viewed;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use std::time::Duration;

/// How many sessions or carts one sweep deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 500;

/// What one sweep deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired sessions, each with its cart and what was looked at in it.
    pub sessions: u64,
    /// Carts of API clients that nobody changed for too long.
    pub carts: u64,
    /// What was begun so long ago that nobody asks for it.
    pub begun: u64,
}

/// Deletes what has expired by `now`.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<Swept, sqlx::Error> {
    let mut swept = Swept { begun: begun::sweep(pool, now, SWEEP_ROWS).await?, ..Swept::default() };
    loop {
        let sessions = sessions::sweep(pool, now, SWEEP_ROWS).await?;
        let carts = carts::sweep(pool, now, SWEEP_ROWS).await?;
        swept.sessions += sessions;
        swept.carts += carts;
        // A batch that is not full was the last.
        if sessions.max(carts) < SWEEP_ROWS.unsigned_abs() {
            return Ok(swept);
        }
    }
}

/// The time that lies `by` after `time`; the end of time where there is none.
fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
