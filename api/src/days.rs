//! The shop's days.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// When a day begins. Where clocks are put forward at midnight, it begins an hour later.
pub(crate) fn beginning(day: NaiveDate, time_zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let local = match time_zone.from_local_datetime(&midnight) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time),
        LocalResult::None => time_zone.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest(),
    };
    local.map_or_else(|| midnight.and_utc(), |time| time.with_timezone(&Utc))
}
