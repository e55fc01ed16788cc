//! Money as PayPal writes it.
//!
//! PayPal takes some currencies only, and three of them without decimals, of which ISO 4217 gives two to the forint and
//! the new Taiwan dollar (<https://developer.paypal.com/api/rest/reference/currency-codes/>).

use super::super::provider::ProviderError;
use domain::Money;
use domain::money::MoneyError;
use serde::{Deserialize, Serialize};

/// The currencies that PayPal takes.
const CURRENCIES: [&str; 24] = [
    "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN", "TWD", "NZD", "NOK",
    "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD",
];
/// Those of them that it takes whole only.
const WHOLE: [&str; 3] = ["HUF", "JPY", "TWD"];

/// An amount in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amount {
    currency_code: String,
    value: String,
}

impl TryFrom<Money> for Amount {
    type Error = ProviderError;

    fn try_from(money: Money) -> Result<Self, ProviderError> {
        let code = money.currency().code();
        if !CURRENCIES.contains(&code) {
            return Err(ProviderError::Amount(format!("PayPal takes no {code}")));
        }
        let value = if WHOLE.contains(&code) {
            let whole = money.amount().normalize();
            if whole.scale() > 0 {
                return Err(ProviderError::Amount(format!("PayPal takes {code} without decimals only")));
            }
            whole.to_string()
        } else {
            money.amount().to_string()
        };
        Ok(Self { currency_code: code.to_owned(), value })
    }
}

impl Amount {
    /// How much it is, in whichever direction: what is taken back may be written with a minus.
    pub(super) fn unsigned(&self) -> Self {
        let value = self.value.strip_prefix('-').unwrap_or(&self.value);
        Self { currency_code: self.currency_code.clone(), value: value.to_owned() }
    }
}

impl TryFrom<&Amount> for Money {
    type Error = MoneyError;

    fn try_from(amount: &Amount) -> Result<Self, MoneyError> {
        Self::parse(&amount.value, &amount.currency_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(amount: &str, currency: &str) -> Result<String, ProviderError> {
        Amount::try_from(Money::parse(amount, currency).unwrap()).map(|amount| amount.value)
    }

    #[test]
    fn amounts_have_the_decimals_that_paypal_takes() {
        assert_eq!(written("12.5", "USD"), Ok("12.50".to_owned()));
        assert_eq!(written("1000", "JPY"), Ok("1000".to_owned()));
        assert_eq!(written("1000", "HUF"), Ok("1000".to_owned()));
        assert_eq!(written("100", "TWD"), Ok("100".to_owned()));
        assert!(matches!(written("1000.50", "HUF"), Err(ProviderError::Amount(_))));
        assert!(matches!(written("1000", "KRW"), Err(ProviderError::Amount(_))));
    }

    #[test]
    fn an_amount_reads_back() {
        for (value, currency) in [("12.50", "USD"), ("1000", "HUF"), ("1000", "JPY")] {
            let amount = Amount { currency_code: currency.to_owned(), value: value.to_owned() };
            let money = Money::try_from(&amount).unwrap();
            assert_eq!((money, Amount::try_from(money)), (Money::parse(value, currency).unwrap(), Ok(amount)));
        }
    }
}
