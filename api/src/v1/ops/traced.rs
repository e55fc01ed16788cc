//! What operators see of the request that an event comes from.
//!
//! A client may have made its id up, and then it may be anything, a mailbox included: as it is, it is for keys that may
//! read history too. The views of analysts hide it alike.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use uuid::Uuid;

/// How long a UUID is as we write it.
const UUID_CHARS: usize = 36;

/// What a request is known by; for who may not read history only a UUID, as the program's own are.
pub(super) fn request_id(id: &str, reads_history: bool) -> Option<&str> {
    (reads_history || is_uuid(id)).then_some(id)
}

/// An event's metadata; for who may not read history without whatever a client may have chosen.
pub(super) fn metadata(json: &str, reads_history: bool) -> Option<Box<RawValue>> {
    if reads_history {
        return RawValue::from_string(json.to_owned()).ok();
    }
    let mut members: Map<String, Value> = serde_json::from_str(json).ok()?;
    members.retain(|name, value| match name.as_str() {
        "occurred_at" | "actor" | "traceparent" => true,
        "correlation_id" | "causation_id" => value.as_str().is_some_and(is_uuid),
        _ => false,
    });
    to_raw_value(&members).ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID_CHARS && Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "01960000-0000-7000-8000-000000000004";

    #[test]
    fn what_a_client_made_up_is_for_who_may_read_history() {
        for id in ["ada@example.com", "ada/basket/7", "{01960000-0000-7000-8000-000000000004}", ""] {
            assert_eq!((request_id(id, false), request_id(id, true)), (None, Some(id)));
        }
        assert_eq!(request_id(OWN, false), Some(OWN));
    }

    #[test]
    fn metadata_is_whole_or_without_what_a_client_chose() {
        let of = |correlation: &str| {
            format!(
                r#"{{"actor":"{OWN}","causation_id":"{OWN}","correlation_id":"{correlation}","locale":"ada","newer":"x","occurred_at":"2026-01-31T08:00:00Z"}}"#
            )
        };
        let names = |json: &str| -> Vec<String> {
            let members: Map<String, Value> = serde_json::from_str(metadata(json, false).unwrap().get()).unwrap();
            members.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&of("ada@example.com")), ["actor", "causation_id", "occurred_at"]);
        assert_eq!(names(&of(OWN)), ["actor", "causation_id", "correlation_id", "occurred_at"]);
        assert_eq!(metadata(&of("ada"), true).unwrap().get(), of("ada"));
        assert!(metadata("no JSON", false).is_none());
    }
}
