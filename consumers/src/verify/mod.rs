//! Proves that Kafka and the ledger agree with the log, while all three grow.
//!
//! - [`check_topics`]: each event that the relay has published is in its topic once, in order, saying what the log
//!   says.
//! - [`check_ledgers`]: each event that calls for an effect, and that its group is beyond, has one entry; each entry
//!   has an event.

mod broker;
mod difference;
mod entries;
mod ledgers;
mod published;
mod record;
mod seen;
mod topics;

pub use difference::{Difference, EventPlace, RecordPlace};
pub use ledgers::check_ledgers;
pub use topics::check_topics;

pub(crate) use ledgers::Watched;

use crate::kafka::BrokerError;
use crate::ledger::{LedgerError, State};
use crate::relay::RelayError;
use crate::topics::Topics;
use commands::LogError;
use commands::verify::{Found, Stopped};
use domain::Position;

/// What was found in Kafka.
#[derive(Debug)]
pub struct TopicsChecked {
    /// How far the relay is.
    pub relay: RelayChecked,
    /// Each topic of events; none where they are not of this log.
    pub topics: Vec<TopicChecked>,
}

/// How far the relay is.
#[derive(Debug)]
pub struct RelayChecked {
    /// Everything up to here is published; what comes behind was not looked at.
    pub published: Position,
    /// Where the log ended then, or a little later.
    pub head: Position,
    /// Why the two do not belong together.
    pub differences: Found<Difference>,
}

/// What was found in one topic.
#[derive(Debug)]
pub struct TopicChecked {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many records were read.
    pub records: u64,
    /// The position of the first event that the broker holds; the origin when it holds none.
    pub first: Position,
    /// The position of the last event that was compared.
    pub last: Position,
    /// How many records were repetitions, as an embedded broker may hold them.
    pub repeated: u64,
    /// How many events were published that the broker no longer holds, or that an embedded one was never given.
    pub no_longer_held: u64,
    /// What does not agree.
    pub differences: Found<Difference>,
}

/// By what is known how far a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// By the offsets that it has committed in Kafka.
    CommittedOffsets,
    /// By what it noted in PostgreSQL, where there is no Kafka that keeps offsets.
    NotedProgress,
}

/// What was found in one consumer's ledger.
#[derive(Debug)]
pub struct LedgerChecked {
    /// The consumer.
    pub consumer: &'static str,
    /// Whether it was ever started; if not, there is nothing to check.
    pub started: bool,
    /// By what is known how far it is.
    pub reach: Reach,
    /// Whether Kafka does not belong to the log. Then nobody is known to be behind any event.
    pub foreign_kafka: bool,
    /// How many events call for an effect and are behind it.
    pub calls: u64,
    /// How many call for one and are still before it.
    pub to_come: u64,
    /// How many entries are in each state.
    pub states: Vec<(State, u64)>,
    /// What does not agree.
    pub differences: Found<Difference>,
}

/// Why Kafka or the ledger could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Kafka is away, or its settings are wrong.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The relay's position can't be read.
    #[error(transparent)]
    Relay(RelayError),
    /// A transaction that was open at the begin does not end.
    #[error(
        "a transaction in partition {partition} of {topic} stays open, so what it holds back can't be read: is a \
         producer other than the relay at work?"
    )]
    Unsettled {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// How far a consumer is was noted of other topics or partitions than those that are to be checked.
    #[error(
        "the consumer {consumer} noted how far it is in partition {partition} of {topic}, which is none of {partitions} \
         partitions of {topics}: give --kafka-prefix and --kafka-partitions as the system has them"
    )]
    OtherTopics {
        /// The consumer.
        consumer: &'static str,
        /// What it noted.
        topic: String,
        /// The partition of it.
        partition: i32,
        /// What was to be checked.
        topics: Box<Topics>,
        /// How many partitions these are taken to have.
        partitions: u16,
    },
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
