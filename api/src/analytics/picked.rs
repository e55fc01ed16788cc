//! The ranges of days that a page offers.

use crate::admin::list::Query;
use chrono::{Datelike, Days, NaiveDate};
use projections::sales::{DayRange, RangeError};

/// A range that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picked {
    /// The name of it; none where it is from one day to another.
    pub(crate) name: Option<Named>,
    /// Its days.
    pub(crate) range: DayRange,
}

/// A range that ends today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Today,
    Week,
    ThirtyDays,
    NinetyDays,
    Month,
    Year,
}

impl Named {
    /// All, as they are offered.
    pub(crate) const ALL: [Self; 6] =
        [Self::Today, Self::Week, Self::ThirtyDays, Self::NinetyDays, Self::Month, Self::Year];

    /// As it stands in addresses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "7d",
            Self::ThirtyDays => "30d",
            Self::NinetyDays => "90d",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The text that it is called by.
    pub(crate) fn text(self) -> String {
        format!("analytics-range-{}", self.as_str())
    }

    fn days(self, today: NaiveDate) -> Option<DayRange> {
        let from = match self {
            Self::Today => Some(today),
            Self::Week => today.checked_sub_days(Days::new(6)),
            Self::ThirtyDays => today.checked_sub_days(Days::new(29)),
            Self::NinetyDays => today.checked_sub_days(Days::new(89)),
            Self::Month => today.with_day(1),
            Self::Year => today.with_ordinal(1),
        };
        DayRange::new(from?, today.succ_opt()?).ok()
    }
}

/// Why what was asked for is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// No range has this name.
    Name,
    /// What should be a day is none, or one that no calendar of ours has.
    Day,
    /// It ends before it begins.
    Backwards,
    /// It is too long.
    TooLong,
}

impl Unfit {
    /// The text that says it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Name => "analytics-wrong-name",
            Self::Day => "analytics-wrong-day",
            Self::Backwards => "analytics-wrong-backwards",
            Self::TooLong => "analytics-wrong-long",
        }
    }
}

impl From<RangeError> for Unfit {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Empty => Self::Backwards,
            RangeError::TooLong => Self::TooLong,
        }
    }
}

impl Picked {
    /// The range that a query asks for: by `range`, or by `from` and `to`, both included; the usual one where it asks
    /// for none.
    pub(crate) fn of(query: &Query, today: NaiveDate) -> Result<Self, Unfit> {
        let named = |name: &str| {
            let name = Named::ALL.into_iter().find(|named| named.as_str() == name).ok_or(Unfit::Name)?;
            Self::named(name, today).ok_or(Unfit::Day)
        };
        if let Some(name) = query.get("range") {
            return named(name);
        }
        match from_to(query, today)? {
            Some(range) => Ok(Self { name: None, range }),
            None => Self::usual(today).ok_or(Unfit::Day),
        }
    }

    /// The last 30 days. `None` where the calendar ends.
    pub(crate) fn usual(today: NaiveDate) -> Option<Self> {
        Self::named(Named::ThirtyDays, today)
    }

    fn named(name: Named, today: NaiveDate) -> Option<Self> {
        Some(Self { name: Some(name), range: name.days(today)? })
    }

    /// As it stands in addresses: `?range=7d`.
    pub(crate) fn query(self) -> String {
        match self.name {
            Some(name) => format!("?range={}", name.as_str()),
            None => format!("?from={}&to={}", self.range.from(), self.last_day()),
        }
    }

    /// What a change is told of: the days of the range that are over, and as many of the first ones of the range
    /// before, so that days of the week stand against themselves where that is whole weeks ago. Nothing where no day is
    /// over, or the calendar begins.
    pub(crate) fn compared(self, today: NaiveDate) -> Option<(DayRange, DayRange)> {
        let over = self.range.until(today)?;
        Some((over, self.range.before()?.first(over.len_days())?))
    }

    /// Its last day.
    pub(crate) fn last_day(self) -> NaiveDate {
        self.range.to().pred_opt().unwrap_or(self.range.to())
    }
}

/// From one day to another. One that is left out is the other, or today; nothing where both are.
fn from_to(query: &Query, today: NaiveDate) -> Result<Option<DayRange>, Unfit> {
    let day = |name| {
        let read = |typed: &str| {
            let day = typed.parse::<NaiveDate>().ok().filter(|day| (1..=9998).contains(&day.year()));
            day.ok_or(Unfit::Day)
        };
        query.get(name).map(read).transpose()
    };
    let (from, to) = (day("from")?, day("to")?);
    let Some(from) = from.or(to) else { return Ok(None) };
    let behind = to.unwrap_or(today).succ_opt().ok_or(Unfit::Day)?;
    Ok(Some(DayRange::new(from, behind)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(raw: &str) -> (String, String) {
        let picked = Picked::of(&Query::parse(Some(raw)), "2026-03-29".parse().unwrap()).unwrap();
        (format!("{}–{}", picked.range.from(), picked.last_day()), picked.query())
    }

    fn is(days: &str, query: &str) -> (String, String) {
        (days.to_owned(), query.to_owned())
    }

    #[test]
    fn a_range_has_a_name_or_two_days() {
        assert_eq!(picked("range=today"), is("2026-03-29–2026-03-29", "?range=today"));
        assert_eq!(picked("range=7d&from=2026-01-01"), is("2026-03-23–2026-03-29", "?range=7d"));
        assert_eq!(picked("range=90d"), is("2025-12-30–2026-03-29", "?range=90d"));
        assert_eq!(picked("range=month"), is("2026-03-01–2026-03-29", "?range=month"));
        assert_eq!(picked("range=year"), is("2026-01-01–2026-03-29", "?range=year"));
        let both = is("2026-02-01–2026-02-03", "?from=2026-02-01&to=2026-02-03");
        assert_eq!(picked("from=2026-02-01&to=2026-02-03"), both);
        assert_eq!(picked("to=2026-02-03"), is("2026-02-03–2026-02-03", "?from=2026-02-03&to=2026-02-03"));
    }

    #[test]
    fn a_day_that_is_not_over_is_not_compared() {
        let compared = |raw: &str| {
            let today = "2026-03-29".parse().unwrap();
            let (over, before) = Picked::of(&Query::parse(Some(raw)), today).unwrap().compared(today)?;
            Some([over, before].map(|range| format!("{}–{}", range.from(), range.to().pred_opt().unwrap())))
        };
        let are = |over: &str, before: &str| Some([over.to_owned(), before.to_owned()]);
        assert_eq!(compared("range=7d"), are("2026-03-23–2026-03-28", "2026-03-16–2026-03-21"));
        assert_eq!(compared("from=2026-03-01&to=2026-03-07"), are("2026-03-01–2026-03-07", "2026-02-22–2026-02-28"));
        assert_eq!(compared("from=2026-03-28&to=2026-04-02"), are("2026-03-28–2026-03-28", "2026-03-22–2026-03-22"));
        assert_eq!((compared("range=today"), compared("from=2026-03-30&to=2026-03-31")), (None, None));
    }

    #[test]
    fn nothing_asked_for_is_the_last_thirty_days_and_what_is_no_range_is_told() {
        assert_eq!(picked(""), is("2026-02-28–2026-03-29", "?range=30d"));
        for (raw, unfit) in [
            ("range=ever", Unfit::Name),
            ("from=2026-13-01", Unfit::Day),
            ("from=2026-01-01&to=foo", Unfit::Day),
            ("to=9999-01-01", Unfit::Day),
            ("from=2026-02-03&to=2026-02-01", Unfit::Backwards),
            ("from=2026-04-01", Unfit::Backwards),
            ("from=2000-01-01", Unfit::TooLong),
        ] {
            assert_eq!(Picked::of(&Query::parse(Some(raw)), "2026-03-29".parse().unwrap()), Err(unfit), "{raw}");
        }
    }
}
