//! Kafka as an independent reader sees it.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use testkit::kafka::KafkaBroker;

const ASK_AT_MOST: Duration = Duration::from_secs(10);
const READ_AT_MOST: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);
/// The header that names an event.
const EVENT_ID: &str = "ce_id";

/// A prefix of topics and groups that nobody had before.
pub fn fresh_prefix() -> String {
    format!("bench{:08x}.", rand::random::<u32>())
}

/// How many different events there are in the topics below a prefix, read to their ends as `read_committed`.
///
/// # Panics
/// When an event is there twice.
pub async fn committed_events(kafka: &KafkaBroker, prefix: &str) -> u64 {
    let (brokers, topics) = (
        kafka.brokers(),
        ["orders.events", "products.events", "categories.events", "newsletters.events"]
            .map(|name| format!("{prefix}{name}")),
    );
    let read = move || topics.iter().map(|topic| read_topic(&brokers, topic)).sum();
    tokio::task::spawn_blocking(read).await.expect("the topics can be read")
}

fn read_topic(brokers: &str, topic: &str) -> u64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench-counts")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), ASK_AT_MOST).expect("the broker answers");
    let mut parts = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        parts.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("a partition");
    }
    consumer.assign(&parts).expect("its partitions can be read");
    let (mut open, mut seen, deadline) = (parts.count(), HashSet::new(), Instant::now() + READ_AT_MOST);
    while open > 0 {
        assert!(Instant::now() < deadline, "{topic} was not read within {READ_AT_MOST:?}");
        match consumer.poll(POLL) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => panic!("{topic}: {error}"),
            Some(Ok(record)) => {
                let headers = record.headers().expect("each record has headers");
                let id = headers.iter().find(|header| header.key == EVENT_ID).and_then(|header| header.value);
                let id = std::str::from_utf8(id.expect("an event's id")).expect("a text");
                let id: uuid::Uuid = id.parse().expect("a UUID");
                assert!(seen.insert(id), "the event {id} is in {topic} twice");
            }
        }
    }
    seen.len() as u64
}
