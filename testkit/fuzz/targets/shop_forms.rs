//! The forms of the shop's pages, and where they lead back to.
#![no_main]

use api::shop::{Posted, language};
use domain::Quantity;
use domain::text::{City, Email, MessageText, PersonName, PostalCode, StreetAddress};
use libfuzzer_sys::fuzz_target;
use url::Url;

/// The fields of our forms.
const NAMES: [&str; 12] = [
    "first_name",
    "last_name",
    "email",
    "address",
    "postal_code",
    "city",
    "quantity",
    "text",
    "csrf",
    "key",
    "total",
    "next",
];

fuzz_target!(|data: &[u8]| {
    if let Some(posted) = Posted::parse(data) {
        let fields: Vec<(&str, &str)> =
            NAMES.into_iter().filter_map(|name| posted.get(name).map(|value| (name, value))).collect();
        // What was read is written as browsers write it, and reads as the same.
        let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let again = Posted::parse(written.as_bytes()).expect("what a browser writes is a form");
        for (name, value) in fields {
            assert_eq!(again.get(name), Some(value));
            typed(value);
        }
    }
    if let Some(next) = fuzz::text(data) {
        leads_back(next);
    }
});

/// What is taken of what somebody typed reads back as it is kept: parsed again, nothing more is trimmed or folded.
fn typed(value: &str) {
    fuzz::settled(value, PersonName::parse, PersonName::as_str);
    fuzz::settled(value, Email::parse, Email::as_str);
    fuzz::settled(value, StreetAddress::parse, StreetAddress::as_str);
    fuzz::settled(value, PostalCode::parse, PostalCode::as_str);
    fuzz::settled(value, City::parse, City::as_str);
    fuzz::settled(value, MessageText::parse, MessageText::as_str);
    if let Ok(quantity) = value.parse::<u32>()
        && let Ok(taken) = Quantity::try_from(quantity)
    {
        assert_eq!(taken.get(), quantity);
    }
}

/// Whatever is taken for a way back is one within the shop, for a browser too.
fn leads_back(next: &str) {
    if language::is_path_of_ours(next) {
        let page = Url::parse("https://shop.test/language/").expect("an address");
        let there = page.join(next).expect("a path leads somewhere");
        assert_eq!(there.origin(), page.origin(), "{next:?}");
        assert!(http::HeaderValue::from_str(next).is_ok(), "{next:?} stands in a header");
    }
}
