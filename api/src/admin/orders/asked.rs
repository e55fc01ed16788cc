//! Which orders a query asks for. What is not understood in it is left out, as in a link that somebody changed by hand.

use super::PATH;
use crate::admin::list::{Filters, Period, Query};
use crate::admin::texts::text;
use crate::days::beginning;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::Position;
use projections::order_list::{Desk, DeskSearch, Filter, ListKey};

/// The orders of a query; days are the shop's.
pub(super) fn desk(query: &Query, time_zone: Tz, now: DateTime<Utc>) -> Desk {
    let paid = query.get("paid").and_then(|paid| match paid {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    });
    let (placed_from, placed_to) = range(query, "created", time_zone, now);
    let (updated_from, updated_to) = range(query, "updated", time_zone, now);
    Desk {
        filter: Filter { paid, status: None, placed_from, placed_to, updated_from, updated_to },
        needs_review: query.get("review") == Some("yes"),
        search: query.get("q").and_then(DeskSearch::parse),
    }
}

/// What stands beside the list.
pub(super) fn filters(query: &Query) -> Filters {
    Filters::new(PATH, query)
        .search(text("staff-orders-search"))
        .choices(
            text("staff-orders-paid"),
            "paid",
            &[("yes", text("staff-orders-is-paid")), ("no", text("staff-orders-is-unpaid"))],
        )
        .choices(text("staff-orders-review"), "review", &[("yes", text("staff-orders-needs-review"))])
        .days(text("staff-orders-created"), "created")
        .days(text("staff-orders-updated"), "updated")
}

type Bound = Option<DateTime<Utc>>;

/// `[from, to)`: of a named period, or from one day to another, both included.
fn range(query: &Query, name: &str, time_zone: Tz, now: DateTime<Utc>) -> (Bound, Bound) {
    let day = |end: &str| query.get(&format!("{name}_{end}")).and_then(|day| day.parse::<NaiveDate>().ok());
    let day = |end: &str| day(end).filter(|day| (0..=9999).contains(&day.year()));
    let today = now.with_timezone(&time_zone).date_naive();
    let from = match query.get(name).and_then(Period::parse) {
        Some(Period::Today) => Some(today),
        Some(Period::Week) => today.checked_sub_days(Days::new(6)),
        Some(Period::Month) => today.with_day(1),
        Some(Period::Year) => today.with_ordinal(1),
        None => day("from"),
    };
    let to = day("to").and_then(|day| day.checked_add_days(Days::new(1)));
    (from.map(|day| beginning(day, time_zone)), to.map(|day| beginning(day, time_zone)))
}

/// Where a page ends, as it stands in the address of the next.
pub(super) fn cursor(key: &ListKey) -> String {
    format!("{}-{}", key.recorded_at.timestamp_micros(), key.position.0)
}

/// Behind which order the page begins; `None` for the first one.
pub(super) fn after(query: &Query) -> Option<ListKey> {
    let (micros, position) = query.after()?.split_once('-')?;
    let recorded_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    // The database knows fewer years, and fewer positions.
    let position: u64 = position.parse().ok().filter(|position| i64::try_from(*position).is_ok())?;
    (0..=9999).contains(&recorded_at.year()).then_some(ListKey { recorded_at, position: Position(position) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(raw: &str) -> Desk {
        let now = DateTime::parse_from_rfc3339("2026-03-29T12:00:00Z").unwrap().with_timezone(&Utc);
        desk(&Query::parse(Some(raw)), chrono_tz::Europe::Berlin, now)
    }

    fn time(text: &str) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc))
    }

    #[test]
    fn periods_are_the_shops_days() {
        assert_eq!(asked("created=today").filter.placed_from, time("2026-03-28T23:00:00Z"));
        assert_eq!(asked("created=7d").filter.placed_from, time("2026-03-22T23:00:00Z"));
        assert_eq!(asked("updated=month").filter.updated_from, time("2026-02-28T23:00:00Z"));
        assert_eq!(asked("updated=year").filter.updated_from, time("2025-12-31T23:00:00Z"));
        let range = asked("created_from=2026-03-01&created_to=2026-03-29").filter;
        // The last day has 23 hours.
        assert_eq!((range.placed_from, range.placed_to), (time("2026-02-28T23:00:00Z"), time("2026-03-29T22:00:00Z")));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        assert_eq!(
            asked("paid=perhaps&created=never&updated_from=2026-13-01&q=+&x=y&created_to=99999-01-01"),
            Desk::default()
        );
        assert_eq!(asked("paid=no&review=yes").filter.paid, Some(false));
    }

    #[test]
    fn a_cursor_reads_back() {
        let key = ListKey {
            recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap(),
            position: Position(7),
        };
        let of = |after: &str| super::after(&Query::parse(Some(&format!("after={after}"))));
        assert_eq!(of(&cursor(&key)), Some(key));
        for wrong in ["", "1", "a-b", "-1", "1-99999999999999999999", "9223372036854775807-1"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
