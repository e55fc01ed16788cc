//! The dead-letter topic: each time that something is parked, its record is published there besides, with what is known
//! of it.
//!
//! The ledger stays the truth: it says what is parked, and there it is decided on. The topic is for whoever watches
//! Kafka, and keeps the record itself, also one that is none of the log's. The statement that parks writes the letter
//! into an [`outbox`]; it is deleted there once the broker has it. So none is lost; one may come twice, after a crash
//! between the two, and then bears the same [`ITEM`] and [`PARKED_TIME`].

mod browse;
mod outbox;
mod publish;
mod reader;

pub use browse::{Letter, Page, Place, browse, item_at};
pub(crate) use publish::publish;

use crate::cloud_event::HeaderField;

/// The header with the number of the item, by which it is retried or discarded.
pub const ITEM: &str = "deadletter_item";
/// The header with the name of the consumer that parked it.
pub const CONSUMER: &str = "deadletter_consumer";
/// The header with what the last attempt came to, without personal data.
pub const REASON: &str = "deadletter_reason";
/// The header with the number of attempts.
pub const ATTEMPTS: &str = "deadletter_attempts";
/// The header with the time of the parking, by RFC 3339.
pub const PARKED_TIME: &str = "deadletter_parkedtime";
/// The header with the topic of the record.
pub const TOPIC: &str = "deadletter_topic";
/// The header with the partition of the record; left out where an older program noted it.
pub const PARTITION: &str = "deadletter_partition";
/// The header with the offset of the record; left out where an older program noted it.
pub const OFFSET: &str = "deadletter_offset";
/// The header that says why the record's value is left out; not there where it is in the letter.
pub const VALUE_OMITTED: &str = "deadletter_valueomitted";

/// The headers of a letter beside those of its record, for whoever reads them with another program.
pub const HEADERS: [HeaderField; 9] = [
    always(ITEM, "The number of the item, by which it is retried or discarded."),
    always(CONSUMER, "The consumer that parked it."),
    always(REASON, "What the last attempt came to, without personal data."),
    always(ATTEMPTS, "How often it was tried."),
    always(PARKED_TIME, "When it was parked, by RFC 3339. A second copy of a letter has the same item and time."),
    always(TOPIC, "The topic of the record."),
    HeaderField { name: PARTITION, is_always_there: false, about: "The partition of the record." },
    HeaderField { name: OFFSET, is_always_there: false, about: "The offset of the record." },
    HeaderField {
        name: VALUE_OMITTED,
        is_always_there: false,
        about: "Why the letter has no value, and of a record that is no event none of its headers: with these it would be larger than \
                Kafka takes, or it could not be read.",
    },
];

const fn always(name: &'static str, about: &'static str) -> HeaderField {
    HeaderField { name, is_always_there: true, about }
}
