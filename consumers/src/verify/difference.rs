//! What can differ, in words and as data. No text holds personal data.

use commands::{EventOutline, StoredEvent, StreamPlace};
use domain::Position;
use domain::ids::EventId;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Where a record is in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecordPlace {
    /// The partition.
    pub partition: i32,
    /// The offset within it.
    pub offset: i64,
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record at offset {} of partition {}", self.offset, self.partition)
    }
}

/// Which event of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventPlace {
    /// Its place in the log.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
    /// Its aggregate's kind.
    pub aggregate_type: String,
    /// Its aggregate's id.
    pub aggregate_id: String,
    /// Its place within its aggregate.
    pub sequence: u64,
}

impl EventPlace {
    pub(super) fn of(event: &StoredEvent) -> Self {
        Self::from(EventOutline {
            event_id: event.event_id,
            position: event.position,
            place: StreamPlace {
                aggregate_type: String::from(&*event.aggregate_type),
                aggregate_id: String::from(&*event.aggregate_id),
                sequence: event.sequence,
            },
        })
    }
}

impl From<EventOutline> for EventPlace {
    fn from(outline: EventOutline) -> Self {
        let EventOutline { event_id: EventId(event_id), position, place } = outline;
        let StreamPlace { aggregate_type, aggregate_id, sequence } = place;
        Self { position, event_id, aggregate_type, aggregate_id, sequence }
    }
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, aggregate_type, aggregate_id, sequence, .. } = self;
        write!(f, "the event at position {position} ({aggregate_type} {aggregate_id}, {sequence})")
    }
}

/// Something about topics or a ledger that does not agree with the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// An event that was published is not in its topic.
    Missing {
        /// The partition in which it belongs.
        partition: i32,
        /// Which.
        #[serde(flatten)]
        event: EventPlace,
    },
    /// An event is in its topic more than once.
    Repeated {
        /// Where it is again.
        #[serde(flatten)]
        record: RecordPlace,
        /// Which.
        #[serde(flatten)]
        event: EventPlace,
    },
    /// An event comes behind one that follows it in its aggregate.
    OutOfOrder {
        /// Where it is.
        #[serde(flatten)]
        record: RecordPlace,
        /// Which.
        #[serde(flatten)]
        event: EventPlace,
    },
    /// A record does not say what the log says.
    OtherContent {
        /// Where it is.
        #[serde(flatten)]
        record: RecordPlace,
        /// The event that it is of.
        #[serde(flatten)]
        event: EventPlace,
        /// What differs, by name.
        parts: Vec<String>,
    },
    /// A record is in another partition than its key falls into.
    OtherPartition {
        /// Where it is.
        #[serde(flatten)]
        record: RecordPlace,
        /// The event that it is of.
        #[serde(flatten)]
        event: EventPlace,
        /// The partition in which it belongs.
        belongs: i32,
    },
    /// A record names a position at which the log has no event.
    NoEvent {
        /// Where it is.
        #[serde(flatten)]
        record: RecordPlace,
        /// The position.
        position: Position,
    },
    /// A record that is none of ours.
    Foreign {
        /// Where it is.
        #[serde(flatten)]
        record: RecordPlace,
    },
    /// Kafka knows of events that the log does not have.
    AheadOfLog {
        /// Up to where Kafka has events.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// Kafka holds the events of another log, or of this one before a restore.
    OtherLog {
        /// Whose events they are.
        log_id: Uuid,
        /// In which epoch they were published.
        epoch: u64,
    },
    /// There are records, and nothing says up to where events are published.
    PositionLost,
    /// Consumers have noted more than Kafka says was ever published.
    BehindConsumers {
        /// Up to where Kafka has events.
        position: Position,
        /// Up to where consumers have noted events.
        noted: Position,
    },
    /// An event calls for an effect, its group is beyond it, and the ledger has no entry.
    EntryMissing {
        /// Which event.
        #[serde(flatten)]
        event: EventPlace,
        /// Whom the effect was to reach.
        recipient: Uuid,
    },
    /// An entry too many: for somebody whom the event's effect does not reach.
    EntryExtra {
        /// The entry's id in the ledger.
        entry: i64,
        /// Its event.
        #[serde(flatten)]
        event: EventPlace,
        /// Whom it names.
        recipient: Uuid,
    },
    /// An entry for an event that calls for no effect of this consumer: of a type that it is not handed, or before its
    /// time.
    EntryUncalled {
        /// The entry's id in the ledger.
        entry: i64,
        /// Its event.
        #[serde(flatten)]
        event: EventPlace,
        /// The event's type, as the entry has it.
        event_type: String,
    },
    /// An entry of no event of the log.
    EntryWithoutEvent {
        /// The entry's id in the ledger.
        entry: i64,
        /// The event that it names.
        #[serde(flatten)]
        event: EventPlace,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { partition, event } => write!(f, "{event} is missing in partition {partition}"),
            Self::Repeated { record, event } => write!(f, "{event} is there again: {record}"),
            Self::OutOfOrder { record, event } => {
                write!(f, "{event} comes behind a later one of its {}: {record}", event.aggregate_type)
            }
            Self::OtherContent { record, event, parts } => {
                write!(f, "{record} differs from {event} in {}", parts.join(", "))
            }
            Self::OtherPartition { record, event, belongs } => {
                write!(f, "{record}, of {event}, belongs in partition {belongs}")
            }
            Self::NoEvent { record, position } => {
                write!(f, "{record} names position {position}, at which the log has no event")
            }
            Self::Foreign { record } => write!(f, "{record} names no position: it is no event of this log"),
            Self::AheadOfLog { position, head } => {
                write!(f, "Kafka has events up to position {position}, but the log ends at {head}")
            }
            Self::OtherLog { log_id, epoch } => {
                write!(f, "the topics hold events of log {log_id} in epoch {epoch}, not of this one")
            }
            Self::PositionLost => {
                f.write_str("the topics hold records, but nothing says up to where events are published")
            }
            Self::BehindConsumers { position, noted } => write!(
                f,
                "consumers have noted events up to position {noted}, but Kafka has events up to {position} only: it is \
                 another Kafka or another prefix, or its topics were deleted"
            ),
            Self::EntryMissing { event, recipient } => write!(f, "{event} has no entry for recipient {recipient}"),
            Self::EntryExtra { entry, event, recipient } => {
                write!(f, "entry {entry} of {event} is for recipient {recipient}, whom it does not reach")
            }
            Self::EntryUncalled { entry, event, event_type } => {
                write!(f, "entry {entry} is of {event}, an `{event_type}` that calls for no effect of this consumer")
            }
            Self::EntryWithoutEvent { entry, event } => {
                write!(f, "entry {entry} names {event}, which is not in the log")
            }
        }
    }
}
