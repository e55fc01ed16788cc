//! Reading the dead-letter topic.

use super::reader::Reader;
use super::{ATTEMPTS, CONSUMER, ITEM, OFFSET, PARKED_TIME, PARTITION, REASON, TOPIC, VALUE_OMITTED};
use crate::cloud_event::{self, Attributes};
use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use crate::topics::Topics;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The topic has one partition, so letters stand in the order of their parking, but for those that could not be
/// published at once.
const PARTITION_READ: i32 = 0;
const POLL_STEP: Duration = Duration::from_millis(100);
/// About the most bytes of a page, whose letters may be a megabyte each. One letter is always on it.
const PAGE_BYTES: usize = 8 << 20;

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its topic.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
}

/// A record of the dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its offset; the topic has one partition.
    pub offset: i64,
    /// The item of the ledger, by which it is decided on; `None` for a record that is none of ours.
    pub item: Option<i64>,
    /// Whose effect was parked.
    pub consumer: Option<String>,
    /// The event's type; `None` for a record that says none.
    pub event_type: Option<String>,
    /// The record's key: the id of its aggregate.
    pub key: Option<String>,
    /// The event's place in the log.
    pub position: Option<u64>,
    /// Why it was parked.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: Option<u32>,
    /// When it was parked, by RFC 3339.
    pub parked_at: Option<String>,
    /// Where the record came from.
    pub came_from: Option<Place>,
    /// To which request it belongs.
    pub correlation_id: Option<String>,
    /// The record's value, where it is text. It may hold personal data.
    pub value: Option<String>,
    /// Why the letter has no value although its record has one.
    pub value_omitted: Option<String>,
}

/// Letters that stand one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The letters, the oldest first. They may be fewer than asked for: the broker keeps letters for a while, and a
    /// page has a bound in bytes.
    pub letters: Vec<Letter>,
    /// The offset before which there are earlier ones; `None` where these are the first that the broker still has.
    pub before: Option<i64>,
}

/// The newest letters before the offset `before` (`None` for the very newest), at most `limit` of them. Takes 10 s at
/// most.
pub async fn browse(kafka: &KafkaSettings, before: Option<i64>, limit: u32) -> Result<Page, BrokerError> {
    let kafka = kafka.clone();
    blocking(kafka.brokers.clone(), move || TopicReader::open(&kafka)?.page(before, limit)).await
}

/// The item that the letter at an offset names; `None` where there is no such letter.
pub async fn item_at(kafka: &KafkaSettings, offset: i64) -> Result<Option<i64>, BrokerError> {
    let kafka = kafka.clone();
    blocking(kafka.brokers.clone(), move || {
        let topic = Topics::new(&kafka.prefix).dead_letters;
        let record = Reader::new(&kafka)?.record_at(&topic, PARTITION_READ, offset)?;
        Ok(record.and_then(|record| number(&record, ITEM)))
    })
    .await
}

/// Asks Kafka on a thread of its own.
async fn blocking<T: Send + 'static>(
    brokers: String,
    ask: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.map_err(|error| BrokerError::Unreachable { brokers, fault: error.to_string() })?
}

/// Reads the topic, until a deadline.
struct TopicReader<'a> {
    kafka: &'a KafkaSettings,
    topic: String,
    consumer: BaseConsumer<Quiet>,
    deadline: Instant,
}

impl<'a> TopicReader<'a> {
    fn open(kafka: &'a KafkaSettings) -> Result<Self, BrokerError> {
        let mut config = kafka.consumer(&kafka.group("dead-letters"))?;
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
        let consumer = BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
        let topic = Topics::new(&kafka.prefix).dead_letters;
        Ok(Self { kafka, topic, consumer, deadline: Instant::now() + ASK_AT_MOST })
    }

    fn page(&self, before: Option<i64>, limit: u32) -> Result<Page, BrokerError> {
        let watermarks = self.consumer.fetch_watermarks(&self.topic, PARTITION_READ, ASK_AT_MOST);
        let (low, high) = watermarks.map_err(|error| self.away(&error))?;
        let end = before.map_or(high, |before| before.min(high));
        let begin = low.max(end - i64::from(limit));
        if begin >= end {
            return Ok(Page::default());
        }
        let mut kept = Newest::default();
        self.read(begin, end, |letter| kept.add(letter))?;
        let first = kept.letters.front().filter(|_| kept.is_cut).map_or(begin, |letter| letter.offset);
        Ok(Page { letters: kept.letters.into(), before: (first > low).then_some(first) })
    }

    fn read(&self, begin: i64, end: i64, mut take: impl FnMut(Letter)) -> Result<(), BrokerError> {
        let mut place = TopicPartitionList::new();
        let begin = Offset::Offset(begin);
        place.add_partition_offset(&self.topic, PARTITION_READ, begin).map_err(BrokerError::Settings)?;
        self.consumer.assign(&place).map_err(BrokerError::Settings)?;
        while Instant::now() < self.deadline {
            match self.consumer.poll(POLL_STEP) {
                Some(Ok(message)) if message.offset() >= end => return Ok(()),
                Some(Ok(message)) => {
                    let is_last = message.offset() + 1 == end;
                    take(letter(&message));
                    if is_last {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => return Err(self.away(&error)),
                None => {}
            }
        }
        Err(self.away(&format_args!("no whole answer within {} s", ASK_AT_MOST.as_secs())))
    }

    fn away(&self, fault: &dyn std::fmt::Display) -> BrokerError {
        BrokerError::Unreachable { brokers: self.kafka.brokers.clone(), fault: fault.to_string() }
    }
}

/// The newest of the letters that were read, as many as fit.
#[derive(Default)]
struct Newest {
    letters: VecDeque<Letter>,
    bytes: usize,
    is_cut: bool,
}

impl Newest {
    fn add(&mut self, letter: Letter) {
        self.bytes += size(&letter);
        self.letters.push_back(letter);
        while self.bytes > PAGE_BYTES && self.letters.len() > 1 {
            let oldest = self.letters.pop_front();
            self.bytes -= oldest.as_ref().map_or(0, size);
            self.is_cut = true;
        }
    }
}

/// About how much a letter takes: all else in it is short.
fn size(letter: &Letter) -> usize {
    letter.value.as_ref().map_or(0, String::len)
}

fn letter<M: Message>(record: &M) -> Letter {
    let came_from = match (text(record, TOPIC), number(record, PARTITION), number(record, OFFSET)) {
        (Some(topic), Some(partition), Some(offset)) => Some(Place { topic, partition, offset }),
        _ => None,
    };
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Letter {
        offset: record.offset(),
        item: number(record, ITEM),
        consumer: text(record, CONSUMER),
        event_type: text(record, cloud_event::TYPE),
        key: record.key().map(lossy),
        position: Attributes::of(record).position().map(|position| position.0),
        reason: text(record, REASON),
        attempts: number(record, ATTEMPTS),
        parked_at: text(record, PARKED_TIME),
        came_from,
        correlation_id: text(record, cloud_event::CORRELATION_ID),
        value: record.payload().map(lossy),
        value_omitted: text(record, VALUE_OMITTED),
    }
}

fn text<M: Message>(record: &M, name: &str) -> Option<String> {
    // The last one: a letter of a letter has two.
    let headers = record.headers()?;
    let found = headers.iter().filter(|header| header.key == name).last()?;
    std::str::from_utf8(found.value?).ok().map(str::to_owned)
}

fn number<M: Message, N: std::str::FromStr>(record: &M, name: &str) -> Option<N> {
    text(record, name)?.parse().ok()
}
