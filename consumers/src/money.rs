//! How amounts are shown to people, in mails and on pages: by the data of Unicode's CLDR for our three languages, which
//! write digits, groups and decimals alike and differ in the signs of currencies.

use crate::language::Lang;
use domain::Money;

/// `$1,234.50` in English, `US$1,234.50` in the others. Where a currency has no sign of its own: `CHF 1,234.50`.
pub fn shown(money: Money, lang: Lang) -> String {
    let amount = grouped(&money.amount().to_string());
    let code = money.currency().code();
    match sign(code, lang) {
        Some(sign) => format!("{sign}{amount}"),
        // No line break between the code and the amount.
        None => format!("{code}\u{a0}{amount}"),
    }
}

fn sign(code: &str, lang: Lang) -> Option<&'static str> {
    Some(match (code, lang) {
        ("USD", Lang::En) => "$",
        ("USD", Lang::Ko | Lang::ZhHans) => "US$",
        ("JPY", Lang::En) => "¥",
        ("JPY", Lang::Ko | Lang::ZhHans) => "JP¥",
        ("CNY", Lang::ZhHans) => "¥",
        ("CNY", Lang::En | Lang::Ko) => "CN¥",
        ("KRW", Lang::En | Lang::Ko) => "₩",
        ("KRW", Lang::ZhHans) => "￦",
        ("EUR", _) => "€",
        ("GBP", _) => "£",
        ("INR", _) => "₹",
        ("ILS", _) => "₪",
        ("VND", _) => "₫",
        ("AUD", Lang::En) => "A$",
        ("AUD", Lang::Ko | Lang::ZhHans) => "AU$",
        ("CAD", _) => "CA$",
        ("HKD", _) => "HK$",
        ("NZD", _) => "NZ$",
        ("TWD", _) => "NT$",
        ("MXN", _) => "MX$",
        ("BRL", _) => "R$",
        _ => return None,
    })
}

/// A comma before each group of three digits of the whole part.
fn grouped(amount: &str) -> String {
    let (whole, decimals) = amount.find('.').map_or((amount, ""), |at| amount.split_at(at));
    let mut text = String::with_capacity(amount.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(decimals);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(amount: &str, currency: &str, lang: Lang) -> String {
        shown(Money::parse(amount, currency).unwrap(), lang)
    }

    #[test]
    fn amounts_are_shown_as_each_language_writes_them() {
        assert_eq!(text("24", "USD", Lang::En), "$24.00");
        assert_eq!(text("24", "USD", Lang::Ko), "US$24.00");
        assert_eq!(text("1234567.5", "EUR", Lang::ZhHans), "€1,234,567.50");
        assert_eq!(text("123", "KRW", Lang::Ko), "₩123");
        assert_eq!(text("1000", "JPY", Lang::En), "¥1,000");
        assert_eq!(text("9.5", "CHF", Lang::En), "CHF\u{a0}9.50");
    }
}
