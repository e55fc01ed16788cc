//! Membership in a Kafka consumer group.

use crate::kafka::{BrokerError, KafkaSettings, log, report};
use crate::status::{ReaderState, ReaderStatus};
use crate::topics::Topics;
use domain::AggregateType;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A member of a group.
pub(super) type GroupMember = StreamConsumer<Context>;

/// Turns the library's statistics into our numbers.
#[derive(Debug)]
pub(super) struct Context {
    consumer: &'static str,
    status: watch::Sender<ReaderStatus>,
    holds: Holds,
}

/// The partitions that a member holds, by topic.
pub(super) type Holds = Arc<Mutex<Vec<(String, i32)>>>;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        // An error is told when it comes; that it has gone, nothing else tells while no record comes.
        if statistics.brokers.values().any(|broker| broker.state == "UP") {
            recovered(&self.status);
        }
        // Offsets, with Kafka's own markers among them: how far the group is behind, the log tells.
        for (topic, of_topic) in statistics.topics {
            let lag: i64 = of_topic.partitions.values().map(|partition| partition.consumer_lag.max(0)).sum();
            metrics::gauge!("orders_consumer_lag_records", "consumer" => self.consumer, "topic" => topic)
                .set(lag as f64);
        }
    }
}

impl ConsumerContext for Context {
    fn post_rebalance(&self, member: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        if let Ok(held) = member.assignment() {
            set(&self.holds, &held);
        }
    }
}

fn set(holds: &Holds, held: &TopicPartitionList) {
    let held = held.elements().iter().map(|place| (place.topic().to_owned(), place.partition())).collect();
    *holds.lock().unwrap_or_else(PoisonError::into_inner) = held;
}

/// Joins the consumer's group. Offsets are committed in the background, and those alone that were stored.
pub(super) fn join(
    kafka: &KafkaSettings,
    topics: &Topics,
    consumer: &'static str,
    kinds: &[AggregateType],
    status: &watch::Sender<ReaderStatus>,
    holds: &Holds,
) -> Result<GroupMember, BrokerError> {
    let mut config = kafka.consumer(&kafka.group(consumer))?;
    config
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "2000")
        .set("statistics.interval.ms", "5000");
    let context = Context { consumer, status: status.clone(), holds: Arc::clone(holds) };
    let member = GroupMember::from_config_and_context(&config, context).map_err(BrokerError::Settings)?;
    let names: Vec<&str> = kinds.iter().map(|kind| topics.of(*kind)).collect();
    if kafka.embedded {
        // The only member takes all partitions at once: the embedded broker would make it wait seconds for others.
        let all = everything(&names, kafka.partitions).map_err(BrokerError::Settings)?;
        set(holds, &all);
        member.assign(&all)
    } else {
        member.subscribe(&names)
    }
    .map_err(BrokerError::Settings)?;
    Ok(member)
}

fn everything(topics: &[&str], partitions: u16) -> Result<TopicPartitionList, KafkaError> {
    let mut all = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..i32::from(partitions) {
            all.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
    }
    Ok(all)
}

/// How a state that Kafka is the reason of begins.
const KAFKA: &str = "Kafka: ";

/// Tells that Kafka fails, for now.
pub(super) fn failing(status: &watch::Sender<ReaderStatus>, error: &KafkaError) {
    crate::status::tell(status, ReaderState::Retrying(format!("{KAFKA}{error}")));
}

/// Tells that Kafka is back, if it was away.
fn recovered(status: &watch::Sender<ReaderStatus>) {
    status.send_if_modified(|now| {
        let was_away = matches!(&now.state, ReaderState::Retrying(reason) if reason.starts_with(KAFKA));
        if was_away {
            now.state = ReaderState::Running;
        }
        was_away
    });
}
