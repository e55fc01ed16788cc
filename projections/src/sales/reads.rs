//! What is asked of the counters: always of a range of days, whose length is bounded.

use super::Sales;
use super::fold::Kind;
use crate::order_totals::{Amounts, Units};
use crate::read::{Plan, money, rows_of};
use crate::{ReadError, Seen, Views};
use chrono::{Days, NaiveDate};
use domain::Money;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

/// The most days of a range: two years and a day.
pub const MAX_DAYS: u32 = 732;
/// The most products, or places, of each currency that are asked for at once.
pub const MAX_RANKED: u32 = 1_000;

/// A range of the shop's days, `[from, to)`, of at most [`MAX_DAYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    from: NaiveDate,
    to: NaiveDate,
}

/// Why two days are no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It would end before it begins, or hold no day.
    #[error("the range holds no day: its end must lie behind its beginning")]
    Empty,
    /// It is too long.
    #[error("the range is longer than {MAX_DAYS} days")]
    TooLong,
}

impl DayRange {
    /// From a day to the day behind the last.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, RangeError> {
        match to.signed_duration_since(from).num_days() {
            days if days <= 0 => Err(RangeError::Empty),
            days if days > i64::from(MAX_DAYS) => Err(RangeError::TooLong),
            _ => Ok(Self { from, to }),
        }
    }

    /// The first day.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The day behind the last.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    /// How many days it has.
    pub fn len_days(self) -> u32 {
        u32::try_from(self.to.signed_duration_since(self.from).num_days()).unwrap_or(MAX_DAYS)
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take(self.len_days() as usize)
    }

    /// Whether a day is in it.
    pub fn holds(self, day: NaiveDate) -> bool {
        (self.from..self.to).contains(&day)
    }

    /// As many days before it; `None` where the calendar ends.
    pub fn before(self) -> Option<Self> {
        let from = self.from.checked_sub_days(Days::new(self.len_days().into()))?;
        Some(Self { from, to: self.from })
    }

    /// Those of its days that lie before a day; `None` where there are none.
    pub fn until(self, day: NaiveDate) -> Option<Self> {
        Self::new(self.from, self.to.min(day)).ok()
    }

    /// Its first days, at most all.
    pub fn first(self, days: u32) -> Option<Self> {
        self.until(self.from.checked_add_days(Days::new(days.into()))?)
    }
}

/// Payments that their provider took back, and how much of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// How many times something was taken back: a payment may be refunded in parts.
    pub payments: u64,
    /// What that comes to.
    pub amount: Money,
}

/// One day in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySales {
    /// The day, in the time zone that the view was built with.
    pub day: NaiveDate,
    /// Orders placed on that day.
    pub placed: Amounts,
    /// Orders paid on that day, whenever they were placed; what was taken back is in there.
    pub paid: Amounts,
    /// What was taken back on that day, whenever it was paid.
    pub taken_back: TakenBack,
}

/// A product in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSales {
    /// The product.
    pub sku: String,
    /// What it was called when it was last sold.
    pub name: String,
    /// In orders placed in the range.
    pub placed: Units,
    /// In orders paid in the range.
    pub paid: Units,
}

/// A place in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitySales {
    /// The city as a customer wrote it, with the country where there is one; empty where nothing was sent.
    pub city: String,
    /// Orders placed in the range.
    pub placed: Amounts,
    /// Orders paid in the range.
    pub paid: Amounts,
}

/// A span of time between placing and paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i16);

impl Span {
    /// Where each span ends, in seconds; the one behind the last has no end. Another list is another version of the
    /// view.
    const ENDS_S: [u32; 8] = [60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800];

    /// All, the shortest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_i16..).take(Self::ENDS_S.len() + 1).map(Self)
    }

    pub(super) fn of_ms(waited_ms: i64) -> Self {
        let beyond = |end_s: &&u32| waited_ms > i64::from(**end_s) * 1_000;
        let number = Self::ENDS_S.iter().take_while(beyond).count();
        // There are nine.
        Self(i16::try_from(number).unwrap_or(i16::MAX))
    }

    pub(super) fn number(self) -> i16 {
        self.0
    }

    /// The longest time that is in it, in seconds; `None` for the last, which has no end.
    pub fn within_s(self) -> Option<u32> {
        usize::try_from(self.0).ok().and_then(|number| Self::ENDS_S.get(number)).copied()
    }
}

/// Orders that were paid within a span of time after they were placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentTime {
    /// The span.
    pub span: Span,
    /// How many orders.
    pub orders: u64,
    /// How long they took together, in milliseconds.
    pub waited_ms: u64,
}

/// What was sold on each day and in each currency, in order; days on which nothing was are left out.
pub async fn by_day(views: &Views, range: DayRange) -> Result<Seen<Vec<DaySales>>, ReadError> {
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, day, currency, placed_count, placed_revenue, paid_count, paid_revenue,
                    taken_back_count, taken_back_amount
               FROM {schema}.sold WHERE kind = $3 AND day >= $1 AND day < $2"
        )
    };
    let seen = views
        .read::<Sales>(Plan::Fresh, select, "found.day, found.currency", |query| {
            query.bind(range.from).bind(range.to).bind(Kind::All.as_str())
        })
        .await?;
    let rows: Vec<DaySales> = rows_of::<Sales, _>(&seen.value)?;
    Ok(seen.map(|_| rows))
}

/// The products that brought most in each currency, at most `limit` (and [`MAX_RANKED`]) of each.
pub async fn by_product(views: &Views, range: DayRange, limit: u32) -> Result<Seen<Vec<ProductSales>>, ReadError> {
    ranked(views, Kind::Product, range, limit).await
}

/// The places that brought most in each currency, at most `limit` (and [`MAX_RANKED`]) of each.
pub async fn by_city(views: &Views, range: DayRange, limit: u32) -> Result<Seen<Vec<CitySales>>, ReadError> {
    ranked(views, Kind::City, range, limit).await
}

async fn ranked<T: for<'r> FromRow<'r, PgRow>>(
    views: &Views,
    kind: Kind,
    range: DayRange,
    limit: u32,
) -> Result<Seen<Vec<T>>, ReadError> {
    let limit = limit.min(MAX_RANKED);
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, ranked.* FROM (
               SELECT key, currency, (array_agg(label ORDER BY day DESC))[1] AS label,
                      sum(placed_count)::bigint AS placed_count, sum(placed_revenue) AS placed_revenue,
                      sum(paid_count)::bigint AS paid_count, sum(paid_revenue) AS paid_revenue,
                      row_number() OVER (PARTITION BY currency
                                         ORDER BY sum(placed_revenue) DESC, sum(paid_revenue) DESC, key) AS rank
                 FROM {schema}.sold WHERE kind = $3 AND day >= $1 AND day < $2
                GROUP BY key, currency) AS ranked
             WHERE rank <= {limit}"
        )
    };
    let seen = views
        .read::<Sales>(Plan::Fresh, select, "found.currency, found.rank", |query| {
            query.bind(range.from).bind(range.to).bind(kind.as_str())
        })
        .await?;
    let rows: Vec<T> = rows_of::<Sales, _>(&seen.value)?;
    Ok(seen.map(|_| rows))
}

/// After which times the orders placed in the range were paid, as far as they are: all spans, the shortest first.
pub async fn payment_times(views: &Views, range: DayRange) -> Result<Seen<Vec<PaymentTime>>, ReadError> {
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, span, sum(orders)::bigint AS orders, sum(waited_ms)::bigint AS waited_ms
               FROM {schema}.payment_times WHERE day >= $1 AND day < $2 GROUP BY span"
        )
    };
    let seen =
        views.read::<Sales>(Plan::Fresh, select, "found.span", |query| query.bind(range.from).bind(range.to)).await?;
    let found: Vec<PaymentTime> = rows_of::<Sales, _>(&seen.value)?;
    let of = |span| found.iter().find(|time| time.span == span).copied();
    let all = Span::all().map(|span| of(span).unwrap_or(PaymentTime { span, orders: 0, waited_ms: 0 })).collect();
    Ok(seen.map(|_| all))
}

impl<'r> FromRow<'r, PgRow> for DaySales {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let amounts = |count_of: &str, revenue: &str| {
            Ok::<_, sqlx::Error>(Amounts { orders: count(row, count_of)?, revenue: money(row, revenue)? })
        };
        Ok(Self {
            day: row.try_get("day")?,
            placed: amounts("placed_count", "placed_revenue")?,
            paid: amounts("paid_count", "paid_revenue")?,
            taken_back: TakenBack {
                payments: count(row, "taken_back_count")?,
                amount: money(row, "taken_back_amount")?,
            },
        })
    }
}

impl<'r> FromRow<'r, PgRow> for ProductSales {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let units = |count_of: &str, revenue: &str| {
            Ok::<_, sqlx::Error>(Units { quantity: count(row, count_of)?, revenue: money(row, revenue)? })
        };
        Ok(Self {
            sku: row.try_get("key")?,
            name: row.try_get("label")?,
            placed: units("placed_count", "placed_revenue")?,
            paid: units("paid_count", "paid_revenue")?,
        })
    }
}

impl<'r> FromRow<'r, PgRow> for CitySales {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let amounts = |count_of: &str, revenue: &str| {
            Ok::<_, sqlx::Error>(Amounts { orders: count(row, count_of)?, revenue: money(row, revenue)? })
        };
        Ok(Self {
            city: row.try_get("label")?,
            placed: amounts("placed_count", "placed_revenue")?,
            paid: amounts("paid_count", "paid_revenue")?,
        })
    }
}

impl<'r> FromRow<'r, PgRow> for PaymentTime {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let (span, orders, waited_ms) = (Span(row.try_get("span")?), count(row, "orders")?, count(row, "waited_ms")?);
        Ok(Self { span, orders, waited_ms })
    }
}

fn count(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> Result<DayRange, RangeError> {
        DayRange::new(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn a_range_holds_a_day_and_not_too_many() {
        assert_eq!(range("2026-03-01", "2026-03-01"), Err(RangeError::Empty));
        assert_eq!(range("2026-03-02", "2026-03-01"), Err(RangeError::Empty));
        assert_eq!(range("2024-01-01", "2026-01-02").map(DayRange::len_days), Ok(MAX_DAYS));
        assert_eq!(range("2024-01-01", "2026-01-03"), Err(RangeError::TooLong));
        let week = range("2026-03-02", "2026-03-09").unwrap();
        assert_eq!(week.days().count(), 7);
        assert_eq!(week.before(), Some(range("2026-02-23", "2026-03-02").unwrap()));
        assert_eq!(week.until("2026-03-04".parse().unwrap()), Some(range("2026-03-02", "2026-03-04").unwrap()));
        assert_eq!((week.until(week.to()), week.until(week.from())), (Some(week), None));
        assert_eq!(week.first(3), Some(range("2026-03-02", "2026-03-05").unwrap()));
        assert_eq!((week.first(9), week.first(0)), (Some(week), None));
        assert!(week.holds("2026-03-08".parse().unwrap()) && !week.holds(week.to()));
    }

    #[test]
    fn a_time_is_in_the_first_span_that_is_as_long() {
        let within = |waited_ms| Span::of_ms(waited_ms).within_s();
        assert_eq!((within(0), within(60_000), within(60_001)), (Some(60), Some(60), Some(300)));
        assert_eq!((within(604_800_000), within(604_800_001)), (Some(604_800), None));
        assert_eq!(Span::all().count(), 9);
        assert_eq!(Span::all().last().and_then(Span::within_s), None);
    }
}
