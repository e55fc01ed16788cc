//! Reading a topic from its beginning to its end.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long one reading may take as a whole, and one question in it.
const READ_BOUND: Duration = Duration::from_secs(30);
const POLL_BOUND: Duration = Duration::from_millis(200);

/// A record as an outsider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place: the partition, and the offset within it.
    pub partition: i32,
    /// See [`partition`](Self::partition).
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in their order. One without a value has no bytes.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The key as text; empty when there is none.
    ///
    /// # Panics
    /// When it is no text.
    pub fn key_text(&self) -> &str {
        self.key.as_deref().map_or("", text)
    }

    /// The value as text; empty for a tombstone.
    ///
    /// # Panics
    /// When it is no text.
    pub fn value_text(&self) -> &str {
        self.value.as_deref().map_or("", text)
    }

    /// The value as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.value_text()).unwrap_or_else(|error| panic!("{error} in {}", self.value_text()))
    }

    /// The first header of that name, as text.
    ///
    /// # Panics
    /// When it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| text(value))
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{error} in {bytes:?}"))
}

/// All that a `read_committed` reader gets of a topic by now, by partition and offset. A topic that does not exist is
/// empty. What comes after a transaction that is still open is not seen yet.
///
/// # Errors
/// The broker's, as text: away, too slow.
pub async fn read_topic(brokers: &str, topic: &str) -> Result<Vec<Record>, String> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || read_blocking(&brokers, &topic));
    read.await.expect("reading does not panic").map_err(|error| error.to_string())
}

fn read_blocking(brokers: &str, topic: &str) -> Result<Vec<Record>, KafkaError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "testkit") // Asked for by the library; never joined, nothing is committed.
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false")
        .set("check.crcs", "true")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    let Some(partitions) = partitions(&consumer, topic)? else { return Ok(Vec::new()) };
    let mut assignment = TopicPartitionList::new();
    for partition in &partitions {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    read_to_the_ends(&consumer, partitions.len())
}

/// `None` for a topic that does not exist.
fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Option<Vec<i32>>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), READ_BOUND)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(found
        .filter(|topic| topic.error().is_none() && !topic.partitions().is_empty())
        .map(|topic| topic.partitions().iter().map(|partition| partition.id()).collect()))
}

fn read_to_the_ends(consumer: &BaseConsumer, mut partitions_left: usize) -> Result<Vec<Record>, KafkaError> {
    let deadline = Instant::now() + READ_BOUND;
    let mut records = Vec::new();
    while partitions_left > 0 {
        match consumer.poll(POLL_BOUND) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => partitions_left -= 1,
            Some(Err(error)) => return Err(error),
            None if Instant::now() > deadline => {
                return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
            }
            None => {}
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect(),
    }
}
