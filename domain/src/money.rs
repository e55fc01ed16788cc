//! Money: a decimal amount with an ISO 4217 currency, at the currency's own scale. No floats anywhere.

use iso_currency::Currency as Iso;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// An ISO 4217 currency that has a minor unit scale (gold, bonds and test codes have none and are refused).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(Iso);

impl Currency {
    /// Parses an upper-case alphabetic code such as `USD`.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        Iso::from_code(code)
            .filter(|iso| iso.exponent().is_some())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(8).collect()))
    }

    /// The alphabetic code, such as `USD`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal places an amount has: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn scale(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An exact amount in one currency, never negative, always at the currency's scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "MoneyText", into = "MoneyText")]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// Why an amount is no money, or a sum can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not an ISO 4217 currency with a minor unit.
    #[error("`{0}` is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    /// The amount is not written as a plain decimal, such as `12.50`.
    #[error("the amount is not a decimal number such as \"12.50\"")]
    NotADecimal,
    /// More decimal places than the currency has.
    #[error("{currency} has {allowed} decimal places, the amount has more")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// How many places it has.
        allowed: u32,
    },
    /// Below zero.
    #[error("the amount is negative")]
    Negative,
    /// Two currencies met where one is meant.
    #[error("{left} and {right} do not add up: one currency is meant")]
    CurrencyMismatch {
        /// The currency that stood first.
        left: Currency,
        /// The one that met it.
        right: Currency,
    },
    /// The result is beyond what can be held exactly.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// Money of `amount`, refusing negative amounts and places that the currency does not have.
    ///
    /// Trailing zeros do not count: `12.500` USD is `12.50` USD.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let allowed = currency.scale();
        if amount.is_zero() {
            return Ok(Self::zero(currency));
        }
        if amount.is_sign_negative() {
            return Err(MoneyError::Negative);
        }
        if amount.scale() == allowed {
            return Ok(Self { amount, currency });
        }
        let mut scaled = amount.normalize();
        if scaled.scale() > allowed {
            return Err(MoneyError::TooPrecise { currency, allowed });
        }
        // `rescale` stops early, silently, where 28 digits are not enough for all the places.
        scaled.rescale(allowed);
        if scaled.scale() != allowed || scaled != amount {
            return Err(MoneyError::Overflow);
        }
        Ok(Self { amount: scaled, currency })
    }

    /// Parses an amount as API clients and people write it: digits, at most one point, no sign, no exponent.
    ///
    /// Exact: an amount is taken as it stands or refused, never rounded.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, MoneyError> {
        let currency = Currency::parse(currency)?;
        Self::parse_amount(amount, currency)
    }

    fn parse_amount(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let unsigned = amount.strip_prefix('-').unwrap_or(amount);
        let (units, places) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(units) || !is_number(places) {
            return Err(MoneyError::NotADecimal);
        }
        if unsigned.len() != amount.len() {
            return Err(MoneyError::Negative);
        }
        let (places, allowed) = (places.trim_end_matches('0'), currency.scale());
        if places.len() > allowed as usize {
            return Err(MoneyError::TooPrecise { currency, allowed });
        }
        // Counted in the currency's smallest unit, digit by digit: a decimal's own parsers round what they can't hold.
        let padding = std::iter::repeat_n(b'0', allowed as usize - places.len());
        let minor_units = units
            .bytes()
            .chain(places.bytes())
            .chain(padding)
            .try_fold(0_i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')));
        let amount = minor_units.and_then(|units| Decimal::try_from_i128_with_scale(units, allowed).ok());
        Ok(Self { amount: amount.ok_or(MoneyError::Overflow)?, currency })
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.scale()), currency }
    }

    /// The amount at the currency's scale.
    pub fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is zero.
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// The sum; fails on another currency or an overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?;
        Self::new(amount, self.currency)
    }

    /// The difference; fails on another currency or below zero.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let amount = self.amount.checked_sub(other.amount).ok_or(MoneyError::Overflow)?;
        Self::new(amount, self.currency)
    }

    /// The product with a whole number.
    pub fn checked_mul(self, factor: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(Decimal::from(factor)).ok_or(MoneyError::Overflow)?;
        Self::new(amount, self.currency)
    }

    /// The product with any factor that is not negative, rounded to the currency's smallest unit; half a unit goes up.
    pub fn scaled(self, factor: Decimal) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(factor).ok_or(MoneyError::Overflow)?;
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        Self::new(amount.round_dp_with_strategy(self.currency.scale(), strategy), self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Money as it is written in JSON, to clients and on disk alike: `{"amount":"12.50","currency":"USD"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyText {
    amount: String,
    currency: Cow<'static, str>,
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self { amount: money.amount.to_string(), currency: money.currency.code().into() }
    }
}

impl TryFrom<MoneyText> for Money {
    type Error = MoneyError;
    fn try_from(text: MoneyText) -> Result<Self, MoneyError> {
        Self::parse(&text.amount, &text.currency)
    }
}
