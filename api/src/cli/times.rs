//! Days, times, positions and ids as they are typed: read alike by every command, and told alike where they can't be
//! read.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;

const NO_TIME: &str = "must be a day such as 2026-01-31, or a time such as 2026-01-31 08:00 (in UTC, as tables show them) or \
                       2026-01-31T08:00:00+09:00";

/// Times without an offset are told in UTC, so they are read so.
const IN_UTC: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];

/// A time by RFC 3339, one as tables show it, or the beginning of a day in UTC.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    if let Ok(day) = day(text) {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let plain = text.strip_suffix(" UTC").unwrap_or(text).replacen('T', " ", 1);
    let read = IN_UTC.iter().find_map(|form| NaiveDateTime::parse_from_str(&plain, form).ok());
    read.map(|time| time.and_utc()).ok_or(NO_TIME)
}

/// A day of the calendar.
pub(super) fn day(text: &str) -> Result<NaiveDate, &'static str> {
    text.parse().map_err(|_| "must be a day such as 2026-01-31")
}

/// A position of the log.
pub(super) fn position(text: &str) -> Result<u64, &'static str> {
    let position = text.parse::<u64>().ok().filter(|position| *position <= i64::MAX.unsigned_abs());
    position.ok_or("must be a position of the log such as 1204")
}

/// Which of several that a list shows by number.
pub(super) fn id(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "must be a number such as 7, as the list shows it")
}

/// What something is multiplied by.
pub(super) fn factor(text: &str) -> Result<Decimal, &'static str> {
    text.parse().map_err(|_| "must be a number such as 1.05")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_shown_or_by_rfc_3339_and_a_day_begins_in_utc() {
        for (typed, read) in [
            ("2026-01-31", "2026-01-31T00:00:00+00:00"),
            ("2026-01-31T01:00:00+02:00", "2026-01-30T23:00:00+00:00"),
            ("2026-01-31T01:00:00Z", "2026-01-31T01:00:00+00:00"),
            ("2026-01-31 08:00", "2026-01-31T08:00:00+00:00"),
            ("2026-01-31 08:00:44", "2026-01-31T08:00:44+00:00"),
            ("2026-01-31T08:00:44", "2026-01-31T08:00:44+00:00"),
            ("2026-01-31 08:00:44.000001 UTC", "2026-01-31T08:00:44.000001+00:00"),
        ] {
            assert_eq!(time(typed).map(|time| time.to_rfc3339()).as_deref(), Ok(read), "{typed}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-31 25:00", "08:00", "1204"] {
            assert_eq!(time(wrong), Err(NO_TIME), "{wrong}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_told_with_what_can() {
        assert_eq!(day("2026-01-31").map(|day| day.to_string()).as_deref(), Ok("2026-01-31"));
        assert!(day("2026-01-31T00:00:00Z").unwrap_err().contains("2026-01-31"));
        assert_eq!(position("9223372036854775807"), Ok(i64::MAX.unsigned_abs()));
        assert!(position("9223372036854775808").is_err() && position("-1").is_err());
        assert_eq!((id("7"), factor("1.05")), (Ok(7), Ok("1.05".parse().unwrap())));
        assert!(id("abc").unwrap_err().contains("such as 7") && factor("abc").unwrap_err().contains("1.05"));
    }
}
