//! What a browser says of who it is: cookies, the language it accepts, the keys of links.
#![no_main]

use api::shop::{cookies, language};
use commands::members::LinkToken;
use commands::shop::links::LinkKey;
use commands::shop::sessions::SessionSecret;
use commands::subscribers::LeaveLink;
use consumers::language::Lang;
use domain::ids::OrderId;
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

const HEADERS: [&str; 2] = ["cookie", "accept-language"];
const COOKIES: [&str; 3] = ["__Host-orders", "orders", "lang"];

fuzz_target!(|data: &[u8]| {
    let headers = fuzz::headers(data, &HEADERS);
    let lang = language::of(&headers);
    assert_eq!(Lang::of_tag(lang.tag()), Some(lang));
    for name in COOKIES {
        if let Some(value) = cookies::of(&headers, name) {
            assert!(!value.contains(';'), "{value:?} is one cookie's value");
            secrets(value);
        }
    }
    if let Some(text) = fuzz::text(data) {
        // A choice goes before all else, whatever the browser accepts.
        let _ = Lang::accepted(text);
        secrets(text);
        link(text);
    }
});

/// There is one spelling of each secret.
fn secrets(text: &str) {
    assert!(SessionSecret::parse(text).is_none_or(|secret| secret.expose() == text));
    assert!(LinkToken::parse(text).is_none_or(|token| token.expose() == text));
    assert!(LeaveLink::parse(text).is_none_or(|link| link.expose() == text));
}

/// No text but the signature is taken for it.
fn link(text: &str) {
    let key = LinkKey::new(&[7; 32]).expect("a key");
    let order = OrderId(Uuid::from_u128(1));
    let signature = key.sign(order);
    assert!(key.verify(order, &signature));
    assert_eq!(key.verify(order, text), text == signature);
    if let Ok(order) = text.parse::<OrderId>() {
        assert!(!key.verify(order, &signature) || order == OrderId(Uuid::from_u128(1)));
    }
}
