//! Events as they stand on disk or in Kafka: each version of each type, with whatever payload.
#![no_main]

use domain::AggregateType;
use domain::wire::{self, WireError};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let shapes: Vec<_> = wire::versions().collect();
    let Some((shape, payload)) = fuzz::choice(data, shapes.len() + 1) else { return };
    let Some(payload) = fuzz::text(payload) else { return };
    match shapes.get(shape) {
        Some((kind, event_type, version)) => decode(*kind, event_type, version, payload),
        None => {
            let (event_type, payload) = payload.split_once('\n').unwrap_or((payload, ""));
            decode(AggregateType::Order, event_type, "1", payload);
            let _ = wire::decode_current(AggregateType::Product, payload);
        }
    }
});

/// What is read is written as the newest version, and read again as the same event.
fn decode(kind: AggregateType, event_type: &str, version: &str, payload: &str) {
    match wire::decode(kind, event_type, version, payload) {
        Ok(event) => {
            let encoded = wire::encode(&event);
            let again = wire::decode(kind, encoded.event_type, encoded.event_version, &encoded.payload);
            assert_eq!(again.expect("what was written reads back"), event);
            assert_eq!(wire::decode_current(kind, &encoded.payload).expect("its tag names it"), event);
        }
        Err(error @ WireError::Malformed { .. }) => check_discreet(&error.to_string(), payload),
        Err(WireError::UnknownType { .. } | WireError::UnknownVersion { .. }) => {}
    }
}

/// No error repeats what may be an address.
fn check_discreet(error: &str, payload: &str) {
    let Ok(document) = serde_json::from_str::<Value>(payload) else { return };
    let mut values = vec![&document];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(members) => values.extend(members.values()),
            Value::Array(elements) => values.extend(elements),
            Value::String(text) if text.len() > 4 && text.contains('@') => {
                assert!(!error.contains(text.as_str()), "{error} repeats {text}");
            }
            _ => {}
        }
    }
}
