//! Texts: parsed once, parsed for ever.

use super::strategies::emails;
use domain::text::{
    City, Country, Description, Email, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress,
};
use domain::{Money, Sku};
use email_address::EmailAddress;
use proptest::prelude::*;
use unicode_normalization::is_nfc;

/// What is accepted is accepted again and stays as it is; it is composed, trimmed, within its length and free of
/// controls.
macro_rules! settles {
    ($text:expr, $name:ident) => {
        if let Ok(parsed) = $name::parse($text) {
            let settled = parsed.as_str().to_owned();
            prop_assert_eq!($name::parse(&settled).map(String::from), Ok(settled.clone()));
            prop_assert!(is_nfc(&settled) && settled.trim() == settled && !settled.is_empty());
            prop_assert!(settled.chars().count() <= $name::MAX_CHARS);
            prop_assert!(!settled.chars().any(|c| c.is_control() && c != '\n'));
            let json = serde_json::to_string(&parsed).unwrap();
            prop_assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), parsed);
        }
    };
}

fn texts() -> impl Strategy<Value = String> {
    let any_text = any::<String>();
    // Combining marks in any order, and letters that compose with them or fall apart.
    let composing =
        "[ A-Za-zßΩÅ\u{212b}\u{1e9b}\u{300}-\u{345}\u{1100}-\u{11ff}\u{ac00}-\u{ad00}\u{fb1d}-\u{fb4e}]{0,60}";
    prop_oneof![any_text, composing, "[ -~]{0,30}", "[A-Za-z]{2}"]
}

proptest! {
    #[test]
    fn parsing_settles_a_text(text in texts()) {
        settles!(&text, PersonName);
        settles!(&text, StreetAddress);
        settles!(&text, PostalCode);
        settles!(&text, City);
        settles!(&text, ProductName);
        settles!(&text, Description);
        settles!(&text, PaymentReference);
        settles!(&text, Email);
        if let Ok(country) = Country::parse(&text) {
            prop_assert_eq!(Country::parse(country.as_str()), Ok(country));
        }
        if let Ok(sku) = Sku::parse(&text) {
            prop_assert_eq!(sku.as_str(), text.as_str());
        }
        prop_assert!(Money::parse(&text, &text).is_err());
    }

    #[test]
    fn an_address_can_be_mailed_to(email in emails()) {
        let (local, domain) = email.as_str().rsplit_once('@').unwrap();
        prop_assert!(EmailAddress::is_valid_local_part(local) && EmailAddress::is_valid_domain(domain));
        let key = email.search_key();
        prop_assert_eq!(Email::parse(&key).unwrap().search_key(), key);
    }
}
