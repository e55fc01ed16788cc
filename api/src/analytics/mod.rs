//! What was sold: the figures behind `/analytics`, `GET /v1/analytics/…` and `orders totals`.
//!
//! - [`figures`]: what there is, and reading it. [`sheet`]: as rows of texts. [`picked`]: the ranges that a page
//!   offers.

mod figures;
mod picked;
mod sheet;

pub(crate) use figures::{Conversion, Figures, Step, Subject, conversion, time_zone};
pub(crate) use picked::{Named, Picked, Unfit};
pub(crate) use sheet::Sheet;

use domain::Money;
use rust_decimal::{Decimal, RoundingStrategy};

/// What one of so many came to on average, rounded to the currency's places; `None` of none.
pub(crate) fn average(revenue: Money, count: u64) -> Option<Money> {
    let places = revenue.currency().scale();
    let amount = revenue.amount().checked_div(Decimal::from(count))?;
    let rounded = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    Money::new(rounded, revenue.currency()).ok()
}

/// How many of a hundred; nothing of none.
pub(crate) fn percent_of(part: u64, whole: u64) -> Option<Decimal> {
    Decimal::from(part).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded_to_the_currencys_places() {
        let average = |amount, currency, count| average(Money::parse(amount, currency).unwrap(), count);
        assert_eq!(average("10.00", "USD", 3), Some(Money::parse("3.33", "USD").unwrap()));
        assert_eq!(average("10.01", "USD", 2), Some(Money::parse("5.01", "USD").unwrap()));
        assert_eq!(average("1000", "JPY", 3), Some(Money::parse("333", "JPY").unwrap()));
        assert_eq!(average("10.00", "USD", 0), None);
    }
}
