//! Stored events that can't be read: what is said about them, and what is kept to oneself.

use crate::golden::expected;
use domain::order::OrderEvent;
use domain::product::ProductEvent;
use domain::wire::{self, WireError};
use domain::{AggregateType, Event};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn decode(event_type: &str, event_version: &str, payload: &str) -> Result<Event, WireError> {
    wire::decode(AggregateType::Order, event_type, event_version, payload)
}

fn fault_of(event_type: &str, payload: &str) -> String {
    match decode(event_type, "1", payload) {
        Err(WireError::Malformed { fault, .. }) => fault,
        other => panic!("{payload} reads as {other:?}"),
    }
}

const PAYMENT: &str = r#"{"PaymentRecorded":{"reference":"P-1","amount":{"amount":"1.00","currency":"USD"},"paid_amount":{"amount":"1.00","currency":"USD"}}}"#;

#[test]
fn an_unknown_type_is_named() {
    let error = decode("OrderShipped", "1", r#"{"OrderShipped":{}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown event type `OrderShipped` of the kind `order`: a newer program wrote it; upgrade this one"
    );
    let error = decode("ProductAdded", "1", "{}").unwrap_err();
    assert!(matches!(error, WireError::UnknownType { .. }), "a product's event is none of an order: {error}");
}

#[test]
fn an_unknown_version_is_named() {
    for version in ["2", "", "1.0", "01", "1 "] {
        let error = decode("PaymentRecorded", version, PAYMENT).unwrap_err();
        let said = format!("unknown version `{version}` of the event type `PaymentRecorded`");
        assert!(error.to_string().starts_with(&said), "{error}");
    }
}

#[test]
fn a_payload_of_another_shape_is_refused() {
    assert!(decode("PaymentRecorded", "1", PAYMENT).is_ok());
    for (payload, fault) in [
        ("", "EOF while parsing a value"),
        ("nonsense", "expected ident"),
        ("[]", "expected an object with the single member `PaymentRecorded`"),
        ("{}", "the member is not `PaymentRecorded`"),
        (r#"{"OrderPaid":{}}"#, "the member is not `PaymentRecorded`"),
        (r#"{"PaymentRecorded":{}}"#, "missing field `reference`"),
        (&PAYMENT.replacen('{', r#"{"PaymentRecorded":{},"#, 1), "missing field `reference`"),
        (&PAYMENT.replace("}}}", r#"}},"more":1}"#), "more than the member `PaymentRecorded`"),
        (&format!("{PAYMENT} {PAYMENT}"), "trailing characters"),
        (&PAYMENT[..100], "EOF while parsing a string"),
    ] {
        let said = fault_of("PaymentRecorded", payload);
        assert!(said.starts_with(&format!("{fault} at line 1 column ")), "{payload}: {said}");
    }
}

/// Changes each object within `json` in turn, and hands the whole to `check`.
fn each_object(json: &Value, change: &dyn Fn(&mut Map<String, Value>), check: &mut dyn FnMut(&Value)) {
    let objects = json.to_string().matches('{').count();
    for nth in 0..objects {
        let mut changed = json.clone();
        change_nth(&mut changed, &mut nth.clone(), change);
        check(&changed);
    }
}

fn change_nth(json: &mut Value, left: &mut usize, change: &dyn Fn(&mut Map<String, Value>)) -> bool {
    match json {
        Value::Object(members) if *left == 0 => {
            change(members);
            true
        }
        Value::Object(members) => {
            *left -= 1;
            members.values_mut().any(|member| change_nth(member, left, change))
        }
        Value::Array(items) => items.iter_mut().any(|item| change_nth(item, left, change)),
        _ => false,
    }
}

#[test]
fn a_member_that_the_shape_does_not_have_is_refused_at_any_depth() {
    for event in expected().values() {
        let encoded = wire::encode(event);
        let read = |payload: &Value| {
            wire::decode(event.aggregate_type(), encoded.event_type, encoded.event_version, &payload.to_string())
        };
        let payload: Value = serde_json::from_str(&encoded.payload).unwrap();
        assert!(read(&payload).is_ok());
        let add = |members: &mut Map<String, Value>| drop(members.insert("more".to_owned(), 1.into()));
        each_object(&payload, &add, &mut |more| assert!(read(more).is_err(), "{more}"));
    }
}

/// The members that may be missing, at whatever depth; what is so in one event alone has its type before it.
const OPTIONAL: &[&str] = &[
    "CategoryTranslated.name",
    "PaymentFlagged.payment",
    "country",
    "description",
    "picture",
    "shipping_address",
    "words",
];

/// The name of every member at any depth.
fn member_names(payload: &str) -> BTreeSet<&str> {
    payload.split("\":").filter_map(|before| before.rsplit_once('"')).map(|(_, name)| name).collect()
}

#[test]
fn a_member_that_is_missing_is_refused_unless_it_may_be() {
    for event in expected().values() {
        let encoded = wire::encode(event);
        let payload: Value = serde_json::from_str(&encoded.payload).unwrap();
        for name in member_names(&encoded.payload) {
            let remove = |members: &mut Map<String, Value>| drop(members.remove(name));
            each_object(&payload, &remove, &mut |less| {
                let read =
                    wire::decode(event.aggregate_type(), encoded.event_type, encoded.event_version, &less.to_string());
                let of_type = format!("{}.{name}", encoded.event_type);
                let may_be_missing =
                    *less == payload || OPTIONAL.iter().any(|known| *known == name || *known == of_type);
                assert_eq!(read.is_ok(), may_be_missing, "without {name}: {less}");
            });
        }
    }
}

#[test]
fn amounts_that_are_none_are_refused() {
    for (amount, fault) in [
        (r#""1.005""#, "USD has 2 decimal places, the amount has more"),
        (r#""-1.00""#, "the amount is negative"),
        (r#""1e2""#, "the amount is not a decimal number such as \"12.50\""),
        (r#""1.00000000000000000000000000000001""#, "USD has 2 decimal places, the amount has more"),
        (r#""999999999999999999999999999999.00""#, "the amount is too large"),
    ] {
        let payload = PAYMENT.replacen(r#""1.00""#, amount, 1);
        assert_eq!(fault_of("PaymentRecorded", &payload), fault, "{amount}");
    }
    let payload = PAYMENT.replacen("USD", "usd", 1);
    assert_eq!(fault_of("PaymentRecorded", &payload), "`usd` is not an ISO 4217 currency code");
}

#[test]
fn a_fault_repeats_no_value() {
    let secret = "ada@example.com";
    for payload in [
        format!(r#"{{"PaymentRecorded":"{secret}"}}"#),
        format!(r#"{{"PaymentRecorded":{{"reference":["{secret}"]}}}}"#),
        format!(r#"{{"PaymentRecorded":{{"reference":"x","amount":"{secret}, expected nothing"}}}}"#),
        format!(r#"{{"PaymentRecorded":{{"{secret}":1}}}}"#),
    ] {
        let error = decode("PaymentRecorded", "1", &payload).unwrap_err();
        assert!(!error.to_string().contains("ada"), "{error}");
        assert!(error.to_string().contains("line 1 column"), "{error}");
    }
    let placed = format!(r#"{{"OrderPlaced":{{"number":1,"customer":"{secret}","lines":[]}}}}"#);
    assert!(!fault_of("OrderPlaced", &placed).contains("ada"));
    let placed = format!(r#"{{"OrderPlaced":{{"number":"{secret}"}}}}"#);
    assert!(!fault_of("OrderPlaced", &placed).contains("ada"));
}

#[test]
fn a_quantity_beyond_its_bounds_is_refused() {
    for quantity in ["0", "10000"] {
        let payload = format!(
            r#"{{"ItemAdded":{{"line":{{"sku":"x","name":"x","unit_price":{{"amount":"1.00","currency":"USD"}},"quantity":{quantity}}},"total":{{"amount":"1.00","currency":"USD"}}}}}}"#
        );
        assert_eq!(fault_of("ItemAdded", &payload), "a quantity is a whole number from 1 to 9999");
    }
}

/// Rules for texts may grow stricter; what was written under the older ones is history and stays readable.
#[test]
fn a_text_is_read_as_it_was_stored() {
    let long = "x".repeat(1_000);
    let payload = PAYMENT.replace("P-1", &long);
    let Event::Order(OrderEvent::PaymentRecorded(payment)) = decode("PaymentRecorded", "1", &payload).unwrap() else {
        panic!("another event")
    };
    assert_eq!(payment.reference.as_str(), long);
}

#[test]
fn every_event_type_has_a_version_and_one_that_is_current() {
    let types = OrderEvent::TYPES.iter().chain(ProductEvent::TYPES);
    for event_type in types {
        let versions: Vec<_> = wire::versions().filter(|(_, known, _)| known == event_type).collect();
        let current = versions.iter().filter(|(_, known, version)| wire::is_current(known, version)).count();
        assert_eq!(current, 1, "{event_type} has the versions {versions:?}");
    }
    assert!(!wire::is_current("OrderPlaced", "0"));
    assert!(!wire::is_current("OrderShipped", "1"));
}

#[test]
fn a_payload_says_its_own_type() {
    assert_eq!(
        wire::decode_current(AggregateType::Order, PAYMENT).unwrap(),
        decode("PaymentRecorded", "1", PAYMENT).unwrap()
    );
    for payload in ["", "{}", "[]", r#"{"OrderShipped":{}}"#] {
        let error = wire::decode_current(AggregateType::Order, payload).unwrap_err();
        assert!(matches!(error, WireError::UnknownType { .. }), "{error}");
    }
}
