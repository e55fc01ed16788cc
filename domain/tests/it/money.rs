//! Amounts: what is read, what is refused, and what stays readable for ever.

use crate::samples::{currency, money, usd};
use domain::Money;
use domain::money::{Currency, MoneyError};
use rust_decimal::Decimal;
use std::fmt::Write;
use std::path::Path;

fn parse(amount: &str, code: &str) -> Result<String, MoneyError> {
    Money::parse(amount, code).map(|money| money.to_string())
}

#[test]
fn an_amount_is_written_at_the_scale_of_its_currency() {
    for (amount, code, written) in [
        ("12.50", "USD", "12.50 USD"),
        ("12.5", "USD", "12.50 USD"),
        ("12", "USD", "12.00 USD"),
        ("12.5000000000000000000000000000000000000000", "USD", "12.50 USD"),
        ("00012.50", "USD", "12.50 USD"),
        ("0", "USD", "0.00 USD"),
        ("1800", "JPY", "1800 JPY"),
        ("1800.0", "JPY", "1800 JPY"),
        ("1.234", "KWD", "1.234 KWD"),
        ("1.2345", "CLF", "1.2345 CLF"),
        ("792281625142643375935439503.35", "USD", "792281625142643375935439503.35 USD"),
    ] {
        assert_eq!(parse(amount, code).as_deref(), Ok(written), "{amount} {code}");
    }
}

#[test]
fn more_places_than_the_currency_has_are_refused_not_rounded() {
    for (amount, code, allowed) in
        [("12.505", "USD", 2), ("0.1", "JPY", 0), ("1.00000000000000000000000000000000001", "USD", 2)]
    {
        let expected = Err(MoneyError::TooPrecise { currency: currency(code), allowed });
        assert_eq!(parse(amount, code), expected, "{amount} {code}");
    }
}

#[test]
fn only_plain_decimals_are_read() {
    let not_decimal = [
        "", " ", "12.50 ", " 12.50", "+12.50", "1e3", "1E3", "12.", ".5", ".", "1.2.3", "1..2", "1,200.00", "1_200",
        "0x10", "NaN", "inf", "--1", "-", "-x", "１２", "12\u{0}",
    ];
    for amount in not_decimal {
        assert_eq!(parse(amount, "USD"), Err(MoneyError::NotADecimal), "{amount:?}");
    }
    for amount in ["-1", "-0.01", "-0"] {
        assert_eq!(parse(amount, "USD"), Err(MoneyError::Negative), "{amount:?}");
    }
}

#[test]
fn what_cannot_be_held_exactly_is_refused() {
    let nines = "9".repeat(10_000);
    for amount in ["792281625142643375935439503.36", "79228162514264337593543950335", nines.as_str()] {
        assert_eq!(parse(amount, "USD"), Err(MoneyError::Overflow), "{amount}");
    }
    let most = usd("792281625142643375935439503.35");
    assert_eq!(most.checked_add(usd("0.01")), Err(MoneyError::Overflow));
    assert_eq!(most.checked_add(most), Err(MoneyError::Overflow));
    assert_eq!(most.checked_mul(10), Err(MoneyError::Overflow));
}

#[test]
fn a_decimal_becomes_money_only_as_it_is() {
    let new = |text: &str, code: &str| {
        Money::new(Decimal::from_str_exact(text).unwrap(), currency(code)).map(|money| money.to_string())
    };
    assert_eq!(new("12.5", "USD").as_deref(), Ok("12.50 USD"));
    assert_eq!(new("12.50000", "USD").as_deref(), Ok("12.50 USD"));
    assert_eq!(new("-0.000", "USD").as_deref(), Ok("0.00 USD"));
    assert_eq!(new("0.0000000000000000000000000000", "JPY").as_deref(), Ok("0 JPY"));
    assert_eq!(new("-0.01", "USD"), Err(MoneyError::Negative));
    let too_precise = MoneyError::TooPrecise { currency: currency("USD"), allowed: 2 };
    assert_eq!(new("0.0000000000000000000000000001", "USD"), Err(too_precise));
    assert_eq!(new("79228162514264337593543950335", "USD"), Err(MoneyError::Overflow));
    assert_eq!(new("79228162514264337593543950335", "JPY").as_deref(), Ok("79228162514264337593543950335 JPY"));
}

#[test]
fn currencies_do_not_mix() {
    let (left, right) = (currency("USD"), currency("EUR"));
    let mismatch = Err(MoneyError::CurrencyMismatch { left, right });
    assert_eq!(usd("1.00").checked_add(money("1.00", "EUR")), mismatch);
    assert_eq!(usd("1.00").checked_sub(money("1.00", "EUR")), mismatch);
    assert_ne!(usd("1.00"), money("1.00", "EUR"));
}

#[test]
fn a_scaled_amount_is_rounded_to_the_smallest_unit() {
    let scaled = |amount: &str, code: &str, factor: &str| money(amount, code).scaled(factor.parse().unwrap());
    assert_eq!(scaled("12.50", "USD", "1.05"), Ok(usd("13.13")));
    assert_eq!(scaled("8.33", "USD", "1.05"), Ok(usd("8.75")));
    assert_eq!(scaled("0.01", "USD", "0.5"), Ok(usd("0.01")));
    assert_eq!(scaled("0.01", "USD", "0.49"), Ok(usd("0.00")));
    assert_eq!(scaled("25", "JPY", "1.1"), Ok(money("28", "JPY")));
    assert_eq!(scaled("1.234", "KWD", "2.0005"), Ok(money("2.469", "KWD")));
    assert_eq!(scaled("1.00", "USD", "-1"), Err(MoneyError::Negative));
}

#[test]
fn money_is_never_below_zero() {
    assert_eq!(usd("1.00").checked_sub(usd("1.00")), Ok(usd("0.00")));
    assert_eq!(usd("1.00").checked_sub(usd("1.01")), Err(MoneyError::Negative));
    assert!(Money::zero(currency("USD")).is_zero());
}

#[test]
fn a_currency_is_an_upper_case_code_with_a_minor_unit() {
    for code in ["usd", "US", "USDD", "", "US$", "XXX", "XTS", "XAU", "ＵＳＤ", "a very long text that is no code"] {
        let Err(error) = Currency::parse(code) else { panic!("{code} is no currency") };
        assert!(error.to_string().ends_with("is not an ISO 4217 currency code"), "{error}");
        assert!(error.to_string().len() < 60, "a long text is not repeated: {error}");
    }
}

#[test]
fn money_in_json_is_two_strings() {
    let json = r#"{"amount":"12.50","currency":"USD"}"#;
    assert_eq!(serde_json::to_string(&usd("12.50")).unwrap(), json);
    assert_eq!(serde_json::from_str::<Money>(json).unwrap(), usd("12.50"));
    for refused in [
        r#"{"amount":12.50,"currency":"USD"}"#,
        r#"{"amount":12,"currency":"USD"}"#,
        r#"{"amount":"1e1","currency":"USD"}"#,
        r#"{"amount":"+1","currency":"USD"}"#,
        r#"{"amount":"1.00000000000000000000000000000001","currency":"USD"}"#,
        r#"{"amount":"12.50","currency":"usd"}"#,
        r#"{"amount":"12.50"}"#,
        r#"{"amount":"12.50","currency":"USD","rate":"1"}"#,
        r#"{"amount":"1","amount":"2","currency":"USD"}"#,
    ] {
        assert!(serde_json::from_str::<Money>(refused).is_err(), "{refused}");
    }
}

/// An update of the currency table that drops a currency, or gives it another scale, makes stored events unreadable.
#[test]
fn every_currency_ever_accepted_keeps_its_scale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/currencies.txt");
    let golden = std::fs::read_to_string(&path).unwrap();
    for (code, scale) in golden.lines().map(|line| line.split_once(' ').unwrap()) {
        assert_eq!(currency(code).scale().to_string(), scale, "{code}");
    }
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    let mut accepted = String::new();
    for code in codes.map(String::from_iter) {
        if let Ok(currency) = Currency::parse(&code) {
            writeln!(accepted, "{code} {}", currency.scale()).unwrap();
        }
    }
    assert!(accepted == golden, "a new currency is kept for ever: {} should read\n{accepted}", path.display());
}
