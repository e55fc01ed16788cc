//! The law of the wire: what was written reads back as the same event.

use super::strategies::events;
use domain::wire;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_was_written_reads_back(event in events()) {
        let encoded = wire::encode(&event);
        prop_assert_eq!(encoded.event_type, event.event_type());
        prop_assert!(wire::is_current(encoded.event_type, encoded.event_version));
        let read = wire::decode(event.aggregate_type(), encoded.event_type, encoded.event_version, &encoded.payload);
        // Not `prop_assert_eq!`: what it shows of a customer is nothing.
        prop_assert!(read.as_ref().ok() == Some(&event), "{} reads as {:?}", encoded.payload, read);
        let current = wire::decode_current(event.aggregate_type(), &encoded.payload);
        prop_assert!(current.ok() == Some(event), "{}", encoded.payload);
    }

    #[test]
    fn a_payload_is_json_with_the_type_as_its_only_member(event in events()) {
        let payload: serde_json::Value = serde_json::from_str(&wire::encode(&event).payload).unwrap();
        let members: Vec<&String> = payload.as_object().unwrap().keys().collect();
        prop_assert_eq!(members, [event.event_type()]);
    }

    /// The database keeps `json` as it was written, but what passes through other hands comes in another order.
    #[test]
    fn the_order_of_members_does_not_matter(event in events()) {
        let encoded = wire::encode(&event);
        let sorted = serde_json::from_str::<serde_json::Value>(&encoded.payload).unwrap().to_string();
        let read = wire::decode(event.aggregate_type(), encoded.event_type, encoded.event_version, &sorted);
        prop_assert!(read.ok() == Some(event), "{}", sorted);
    }

    #[test]
    fn no_payload_panics(payload in "\\PC*|[{}\\[\\]\":,a-zA-Z0-9]{0,80}", version in "[0-9]{0,2}") {
        for (kind, event_type, _) in wire::versions() {
            prop_assert!(wire::decode(kind, event_type, &version, &payload).is_err());
        }
    }
}
