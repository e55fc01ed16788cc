//! What can be asked for, and reading it.

use super::{Sheet, percent_of};
use crate::days::beginning;
use crate::problem::{Problem, within};
use crate::v1::unreadable_view;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use commands::shop::begun::{Begun, begun};
use projections::sales::{self, CitySales, DayRange, DaySales, PaymentTime, ProductSales, Sales};
use projections::{Projection, ReadError, Seen, Views};
use rust_decimal::Decimal;
use sqlx::PgPool;

/// What can be asked for of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// What was sold on each day.
    Days,
    /// What brought most.
    Products,
    /// Where to most went.
    Cities,
    /// How long after placing orders are paid.
    PaymentTimes,
}

impl Subject {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Days, Self::Products, Self::Cities, Self::PaymentTimes];

    /// As it stands in paths.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Products => "products",
            Self::Cities => "cities",
            Self::PaymentTimes => "payment-times",
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub(crate) enum Figures {
    Days(Vec<DaySales>),
    Products(Vec<ProductSales>),
    Cities(Vec<CitySales>),
    PaymentTimes(Vec<PaymentTime>),
}

impl Figures {
    /// Reads them; of products and places at most `limit` of each currency.
    pub(crate) async fn read(
        views: &Views,
        subject: Subject,
        range: DayRange,
        limit: u32,
    ) -> Result<Seen<Self>, ReadError> {
        Ok(match subject {
            Subject::Days => sales::by_day(views, range).await?.map(Self::Days),
            Subject::Products => sales::by_product(views, range, limit).await?.map(Self::Products),
            Subject::Cities => sales::by_city(views, range, limit).await?.map(Self::Cities),
            Subject::PaymentTimes => sales::payment_times(views, range).await?.map(Self::PaymentTimes),
        })
    }

    /// As a table.
    pub(crate) fn sheet(&self) -> Sheet {
        match self {
            Self::Days(rows) => Sheet::of_days(rows),
            Self::Products(rows) => Sheet::of_products(rows),
            Self::Cities(rows) => Sheet::of_cities(rows),
            Self::PaymentTimes(rows) => Sheet::of_payment_times(rows),
        }
    }
}

/// From carts to payments. Each step is counted by itself, so they are not the same purchases; nothing where it can't
/// be counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Conversion {
    /// Carts that got their first line in the range. An order over the API needs none.
    pub(crate) carts: Option<u64>,
    /// Orders placed in the range: a checkout is one step, and what is given up in it leaves no trace.
    pub(crate) orders: u64,
    /// Orders whose customers were led to a payment provider in the range for the first time.
    pub(crate) payments: Option<u64>,
    /// Orders placed in the range that are paid by now, by whomever that was recorded.
    pub(crate) paid: u64,
}

/// A step on the way from a cart to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// As it stands in files and texts.
    pub(crate) name: &'static str,
    pub(crate) count: Option<u64>,
    /// How many there are for a hundred of the step before: nothing for the first one, where there was none before, or
    /// where either can't be counted. More than a hundred where purchases come in on the way.
    pub(crate) percent: Option<Decimal>,
}

impl Conversion {
    pub(crate) fn of(begun: Begun, days: &[DaySales], times: &[PaymentTime]) -> Self {
        Self {
            carts: begun.carts,
            orders: days.iter().map(|day| day.placed.orders).sum(),
            payments: begun.payments,
            paid: times.iter().map(|time| time.orders).sum(),
        }
    }

    /// The steps in their order.
    pub(crate) fn steps(self) -> [Step; 4] {
        let Self { carts, orders, payments, paid } = self;
        let (orders, paid) = (Some(orders), Some(paid));
        let step = |name, before: Option<u64>, count: Option<u64>| Step {
            name,
            count,
            percent: count.zip(before).and_then(|(count, before)| percent_of(count, before)),
        };
        [
            step("carts", None, carts),
            step("orders", carts, orders),
            step("payments", orders, payments),
            step("paid", payments, paid),
        ]
    }

    pub(crate) fn sheet(self) -> Sheet {
        Sheet::of_conversion(self)
    }
}

/// The time zone whose days the figures count: that of the build that is read, whatever is configured here.
pub(crate) async fn time_zone(views: &Views) -> Result<Tz, Problem> {
    let read = async { views.time_zone_of::<Sales>().await.map_err(|error| unreadable_view(Sales::NAME, error)) };
    within(read).await
}

/// What was begun in a range of the shop's days, as far as it can be told.
pub(crate) async fn conversion(pool: &PgPool, time_zone: Tz, range: DayRange, now: DateTime<Utc>) -> Begun {
    begun(pool, beginning(range.from(), time_zone), beginning(range.to(), time_zone), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_told_of_the_one_before_where_that_can_be() {
        let told = |conversion: Conversion| conversion.steps().map(|step| step.percent.map(|rate| rate.to_string()));
        let rates = |rates: [Option<&str>; 3]| {
            let [orders, payments, paid] = rates.map(|rate| rate.map(str::to_owned));
            [None, orders, payments, paid]
        };
        let all = Conversion { carts: Some(8), orders: 4, payments: Some(2), paid: 3 };
        assert_eq!(told(all), rates([Some("50"), Some("50"), Some("150")]));
        assert_eq!(told(Conversion { carts: None, ..all }), rates([None, Some("50"), Some("150")]));
        assert_eq!(told(Conversion { payments: None, ..all }), rates([Some("50"), None, None]));
        assert_eq!(told(Conversion::default()), rates([None, None, None]));
        let nothing = Conversion { carts: Some(0), orders: 0, payments: Some(0), paid: 0 };
        assert_eq!(told(nothing), rates([None, None, None]), "of nothing there is no part");
    }
}
