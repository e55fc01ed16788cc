//! Money against whole numbers of the currency's smallest unit.

use super::strategies::{currencies, moneys, of_units, units};
use domain::Money;
use domain::money::MoneyError;
use proptest::prelude::*;
use rust_decimal::Decimal;

/// The most units that a decimal holds.
const MOST_UNITS: i128 = (1 << 96) - 1;

/// Units of every size, the largest included.
fn any_units() -> impl Strategy<Value = i128> {
    prop_oneof![0..1_000_i128, 0..=MOST_UNITS, (0..1_000_i128).prop_map(|below| MOST_UNITS - below)]
}

fn expected(units: Option<i128>, like: Money) -> Result<Money, MoneyError> {
    match units {
        Some(units) if units < 0 => Err(MoneyError::Negative),
        Some(units) if units <= MOST_UNITS => Ok(of_units(units, like.currency())),
        _ => Err(MoneyError::Overflow),
    }
}

proptest! {
    #[test]
    fn sums_differences_and_products_are_exact_or_refused(
        a in any_units(), b in any_units(), factor in any::<u32>(), currency in currencies(),
    ) {
        let (left, right) = (of_units(a, currency), of_units(b, currency));
        prop_assert_eq!(left.checked_add(right), expected(a.checked_add(b), left));
        prop_assert_eq!(left.checked_sub(right), expected(a.checked_sub(b), left));
        prop_assert_eq!(left.checked_mul(factor), expected(a.checked_mul(factor.into()), left));
    }

    #[test]
    fn addition_is_associative_and_commutative(
        a in 0..10_i128.pow(15), b in 0..10_i128.pow(15), c in 0..10_i128.pow(15), currency in currencies(),
    ) {
        let [a, b, c] = [a, b, c].map(|units| of_units(units, currency));
        prop_assert_eq!(a.checked_add(b), b.checked_add(a));
        let (left, right) = (a.checked_add(b).unwrap().checked_add(c), a.checked_add(b.checked_add(c).unwrap()));
        prop_assert_eq!(left, right);
        prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b), Ok(a));
    }

    #[test]
    fn a_product_is_a_repeated_sum(money in moneys(), factor in 0..50_u32) {
        let sum = (0..factor).try_fold(Money::zero(money.currency()), |sum, _| sum.checked_add(money));
        prop_assert_eq!(money.checked_mul(factor), sum);
    }

    #[test]
    fn what_is_written_is_read(units in any_units(), currency in currencies()) {
        let money = of_units(units, currency);
        let written = money.amount().to_string();
        prop_assert_eq!(Money::parse(&written, currency.code()), Ok(money));
        let places = written.split_once('.').map_or(0, |(_, places)| places.len());
        prop_assert_eq!(places, currency.scale() as usize);
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }

    #[test]
    fn a_decimal_is_taken_as_it_is_or_refused(
        mantissa in -MOST_UNITS..=MOST_UNITS, scale in 0..=28_u32, currency in currencies(),
    ) {
        let amount = Decimal::from_i128_with_scale(mantissa, scale);
        if let Ok(money) = Money::new(amount, currency) {
            prop_assert_eq!(money.amount(), amount);
            prop_assert_eq!(money.amount().scale(), currency.scale());
            prop_assert_eq!(units(money) >= 0, mantissa >= 0);
        }
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_that_number(text in "-?[0-9]{0,30}[.]?[0-9]{0,6}|\\PC*", currency in currencies()) {
        if let Ok(money) = Money::parse(&text, currency.code()) {
            // A decimal has no room for as many zeros at the end as a text may have.
            let digits = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            prop_assert_eq!(money.amount(), Decimal::from_str_exact(digits).unwrap(), "{}", text);
        }
    }
}
