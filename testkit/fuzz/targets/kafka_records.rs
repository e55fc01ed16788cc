//! The headers of Kafka records (CloudEvents), as consumers read them.
#![no_main]

use chrono::SecondsFormat;
use consumers::cloud_event::{Attributes, Envelope};
use libfuzzer_sys::fuzz_target;
use rdkafka::Timestamp;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

const NAMES: [&str; 12] = [
    "ce_id",
    "ce_type",
    "ce_dataversion",
    "ce_subject",
    "ce_sequence",
    "ce_position",
    "ce_recordedtime",
    "ce_time",
    "ce_actor",
    "ce_correlationid",
    "ce_locale",
    "traceparent",
];

fuzz_target!(|data: &[u8]| {
    // Each line is the value of a header, in turn: one of no bytes is missing, and so is its value where it is `-`.
    let lines: Vec<_> = data.split(|byte| *byte == b'\n').zip(NAMES.iter().cycle()).take(64).collect();
    let headers =
        lines.iter().filter(|(line, _)| !line.is_empty()).fold(OwnedHeaders::new(), |headers, (line, key)| {
            headers.insert(Header { key, value: Some(*line).filter(|line| *line != b"-") })
        });
    let message = message(headers);
    let attributes = Attributes::of(&message);
    if let Ok(envelope) = attributes.envelope() {
        assert_eq!(attributes.event_type(), Some(envelope.event_type));
        assert_eq!(attributes.position(), Some(envelope.position));
        let again = self::message(written(&envelope));
        assert_eq!(Attributes::of(&again).envelope().expect("what was written reads back"), envelope);
    }
});

fn message(headers: OwnedHeaders) -> OwnedMessage {
    let (payload, key, topic) = (None, None, "orders.events".to_owned());
    OwnedMessage::new(payload, key, topic, Timestamp::NotAvailable, 0, 0, Some(headers))
}

fn written(envelope: &Envelope<'_>) -> OwnedHeaders {
    let metadata = &envelope.metadata;
    let texts = [
        ("ce_id", Some(envelope.event_id.to_string())),
        ("ce_type", Some(envelope.event_type.to_owned())),
        ("ce_dataversion", Some(envelope.event_version.to_owned())),
        ("ce_subject", Some(envelope.aggregate_id.to_owned())),
        ("ce_sequence", Some(envelope.sequence.to_string())),
        ("ce_position", Some(envelope.position.to_string())),
        ("ce_recordedtime", Some(envelope.recorded_at.to_rfc3339_opts(SecondsFormat::AutoSi, true))),
        ("ce_time", Some(metadata.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true))),
        ("ce_actor", Some(metadata.actor.clone())),
        ("ce_correlationid", Some(metadata.correlation_id.clone())),
        ("ce_causationid", metadata.causation_id.clone()),
        ("ce_locale", metadata.locale.clone()),
        ("traceparent", metadata.traceparent.clone()),
    ];
    texts.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| match value {
        Some(value) => headers.insert(Header { key, value: Some(&value) }),
        None => headers,
    })
}
