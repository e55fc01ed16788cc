//! Publishing what was parked, one consumer's letters by one member at a time.
//!
//! Letter by letter: one that Kafka refuses for good goes out without its record, and one that can't be read now is put
//! off. None of them holds up those behind it, or has those before it published again.

use super::outbox::{Due, Outbox};
use super::reader::Reader;
use super::{ATTEMPTS, CONSUMER, ITEM, OFFSET, PARKED_TIME, PARTITION, REASON, TOPIC, VALUE_OMITTED};
use crate::cloud_event;
use crate::kafka::{BrokerError, KafkaSettings, Quiet};
use crate::ledger::LedgerError;
use crate::pause::Pauses;
use crate::topics::Topics;
use chrono::SecondsFormat;
use commands::{Log, StoredEvent};
use domain::AggregateType;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How often is looked for letters.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so many looks that found none, the connections with Kafka are given up.
const IDLE_LOOKS: u32 = 60;
/// How long the broker may take for one.
const DELIVERY_AT_MOST: Duration = Duration::from_secs(5);
/// How large a letter may be: as much as a broker takes that is told nothing else. The library's own bound is below
/// that, and a record of that size with our headers above it.
const LETTER_BYTES: &str = "1048576";
/// How often a record is asked for that can't be read, while Kafka answers.
const READ_TRIES: i32 = 8;
/// The longest pause before a letter is tried again that is at fault itself.
const OWN_PAUSE_AT_MOST: Duration = Duration::from_secs(300);
/// The pause before a letter is tried again when Kafka is away: those behind it have their turn before.
const AWAY_PAUSE: Duration = Duration::from_secs(5);
/// How much of a reason is told where the letter was too large.
const SHORT_REASON_CHARS: usize = 1_000;
/// The pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why letters could not be published; they are tried again.
#[derive(Debug, thiserror::Error)]
enum LetterError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("Kafka did not take it: {0}")]
    NotTaken(KafkaError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("reading the record ended badly: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// The record that an item is about.
enum Original {
    /// As the relay publishes it.
    Event(Box<StoredEvent>),
    /// As it is in Kafka.
    Record(Box<OwnedMessage>),
    /// It can't be told, for this reason.
    Missing(String),
}

/// What came of one letter.
enum Published {
    /// The broker has it.
    Done,
    /// It is at fault itself, and is tried again.
    NotYet(LetterError),
}

/// Publishes a consumer's letters for as long as it is asked to. What goes wrong is tried again: nothing else waits for
/// it.
pub(crate) async fn publish(log: &Log, kafka: &KafkaSettings, consumer: &'static str, owner: Uuid) -> Infallible {
    let outbox = Outbox::new(log.pool().clone(), consumer, owner);
    let mut publisher =
        Publisher { log, kafka, topics: Topics::new(&kafka.prefix), consumer, outbox, producer: None, reader: None };
    let (mut pauses, mut idle_looks) = (Pauses::new(FIRST_PAUSE, LONGEST_PAUSE), 0);
    loop {
        match publisher.next().await {
            Ok(true) => {
                pauses.start_over();
                idle_looks = 0;
            }
            Ok(false) => {
                idle_looks += 1;
                if idle_looks == IDLE_LOOKS {
                    publisher.let_go();
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) => {
                tracing::warn!(consumer, %error, "dead letters can't be published yet");
                publisher.let_go();
                tokio::time::sleep(pauses.next()).await;
            }
        }
    }
}

struct Publisher<'a> {
    log: &'a Log,
    kafka: &'a KafkaSettings,
    topics: Topics,
    consumer: &'static str,
    outbox: Outbox,
    /// Made for the first letter.
    producer: Option<FutureProducer<Quiet>>,
    /// Made for the first record that is none of the log's.
    reader: Option<Arc<Reader>>,
}

impl Publisher<'_> {
    /// Publishes the next letter, if there is one for us.
    async fn next(&mut self) -> Result<bool, LetterError> {
        let Some(letter) = self.outbox.claim().await? else { return Ok(false) };
        match self.send(&letter).await {
            Ok(Published::Done) => {
                fail::fail_point!("letter.after");
                self.outbox.done(&letter).await?;
                metrics::counter!("orders_dead_letters_total", "consumer" => self.consumer).increment(1);
            }
            Ok(Published::NotYet(error)) => {
                let (consumer, item) = (self.consumer, letter.entry_id);
                tracing::warn!(consumer, item, %error, "a dead letter can't be published yet; others go first");
                let pause = Duration::from_secs(1_u64 << letter.failures.clamp(0, 16));
                self.outbox.put_off(&letter, pause.min(OWN_PAUSE_AT_MOST), true).await?;
            }
            Err(error) => {
                self.outbox.put_off(&letter, AWAY_PAUSE, false).await?;
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Gives up the connections with Kafka. That blocks for a moment.
    fn let_go(&mut self) {
        let clients = (self.producer.take(), self.reader.take());
        if clients.0.is_some() || clients.1.is_some() {
            tokio::task::spawn_blocking(move || drop(clients));
        }
    }

    async fn send(&mut self, letter: &Due) -> Result<Published, LetterError> {
        let original = match self.original(letter).await {
            // This record alone can't be had, or Kafka is away.
            Err(LetterError::Broker(error)) => {
                if !self.is_answered().await {
                    return Err(error.into());
                }
                if letter.failures + 1 < READ_TRIES {
                    return Ok(Published::NotYet(error.into()));
                }
                Original::Missing(format!("the record can't be read: {error}"))
            }
            outcome => outcome?,
        };
        fail::fail_point!("letter.before");
        let refused = match self.produce(letter, &original, None).await {
            Err(LetterError::NotTaken(error)) if is_about_record(&error) => error,
            outcome => return outcome.map(|()| Published::Done),
        };
        let why = format!("Kafka did not take the letter with it: {refused}");
        match self.produce(letter, &original, Some(&why)).await {
            Err(LetterError::NotTaken(error)) if is_about_record(&error) => {
                Ok(Published::NotYet(LetterError::NotTaken(error)))
            }
            outcome => outcome.map(|()| Published::Done),
        }
    }

    /// Publishes a letter, without what may be large in it where `omitted` says why.
    async fn produce(&mut self, letter: &Due, original: &Original, omitted: Option<&str>) -> Result<(), LetterError> {
        let producer = self.producer()?;
        let (headers, payload): (OwnedHeaders, Option<&[u8]>) = match original {
            Original::Event(event) => {
                let source = cloud_event::source(self.log.identity());
                (cloud_event::headers(event, &source), Some(event.payload.as_bytes()))
            }
            Original::Record(record) if omitted.is_none() => {
                (record.headers().cloned().unwrap_or_default(), record.payload())
            }
            Original::Record(_) | Original::Missing(_) => (OwnedHeaders::new(), None),
        };
        let why = match original {
            Original::Missing(why) => Some(why.as_str()),
            _ => omitted,
        };
        let record = FutureRecord::<str, [u8]> {
            topic: &self.topics.dead_letters,
            partition: None,
            payload: payload.filter(|_| why.is_none()),
            key: Some(letter.aggregate_id.as_str()),
            timestamp: None,
            headers: Some(self.headers(headers, letter, why)),
        };
        let sent = producer.send(record, Timeout::After(DELIVERY_AT_MOST)).await;
        sent.map(|_| ()).map_err(|(error, _)| LetterError::NotTaken(error))
    }

    fn headers(&self, original: OwnedHeaders, letter: &Due, omitted: Option<&str>) -> OwnedHeaders {
        let add = |headers: OwnedHeaders, key: &str, value: &str| headers.insert(Header { key, value: Some(value) });
        let mut reason = letter.reason.clone().unwrap_or_default();
        if omitted.is_some() {
            reason = reason.chars().take(SHORT_REASON_CHARS).collect();
        }
        let mut headers = add(original, ITEM, &letter.entry_id.to_string());
        headers = add(headers, CONSUMER, self.consumer);
        headers = add(headers, REASON, &reason);
        headers = add(headers, ATTEMPTS, &letter.attempts.to_string());
        headers = add(headers, PARKED_TIME, &letter.parked_at.to_rfc3339_opts(SecondsFormat::Micros, true));
        if let Some(topic) = self.topic(letter) {
            headers = add(headers, TOPIC, topic);
        }
        if let (Some(partition), Some(offset)) = (letter.partition, letter.log_offset) {
            headers = add(headers, PARTITION, &partition.to_string());
            headers = add(headers, OFFSET, &offset.to_string());
        }
        omitted.into_iter().fold(headers, |headers, why| add(headers, VALUE_OMITTED, why))
    }

    fn topic(&self, letter: &Due) -> Option<&str> {
        AggregateType::parse(&letter.aggregate_type).map(|kind| self.topics.of(kind))
    }

    /// What the log has is what the relay published. What it has not came from elsewhere: Kafka alone has that.
    async fn original(&mut self, letter: &Due) -> Result<Original, LetterError> {
        let sequence = letter.sequence.unsigned_abs();
        let event = self.log.read_event(&letter.aggregate_type, &letter.aggregate_id, sequence).await;
        let event = event.map_err(LedgerError::Log)?.filter(|event| event.event_id.0 == letter.event_id);
        if let Some(event) = event {
            return Ok(Original::Event(Box::new(event)));
        }
        let (Some(topic), Some(partition), Some(offset)) = (self.topic(letter), letter.partition, letter.log_offset)
        else {
            return Ok(Original::Missing("the place of its record is not known".to_owned()));
        };
        let (topic, reader) = (topic.to_owned(), self.reader()?);
        let record = tokio::task::spawn_blocking(move || reader.record_at(&topic, partition, offset)).await??;
        let gone = || Original::Missing("neither the log nor Kafka has the record any more".to_owned());
        Ok(record.map_or_else(gone, |record| Original::Record(Box::new(record))))
    }

    /// Whether Kafka answers at all.
    async fn is_answered(&mut self) -> bool {
        let (Ok(reader), topic) = (self.reader(), self.topics.dead_letters.clone()) else { return false };
        tokio::task::spawn_blocking(move || reader.is_answered(&topic)).await.unwrap_or(false)
    }

    fn reader(&mut self) -> Result<Arc<Reader>, BrokerError> {
        if let Some(reader) = &self.reader {
            return Ok(Arc::clone(reader));
        }
        let reader = Arc::new(Reader::new(self.kafka)?);
        self.reader = Some(Arc::clone(&reader));
        Ok(reader)
    }

    fn producer(&mut self) -> Result<FutureProducer<Quiet>, BrokerError> {
        if let Some(producer) = &self.producer {
            return Ok(producer.clone());
        }
        let mut config = self.kafka.client()?;
        config
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", DELIVERY_AT_MOST.as_millis().to_string())
            .set("message.max.bytes", LETTER_BYTES)
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.kbytes", "4096")
            .set("linger.ms", "0");
        let producer = FutureProducer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
        self.producer = Some(producer.clone());
        Ok(producer)
    }
}

/// Whether Kafka refuses a record for what it is, so that it refuses it for ever.
fn is_about_record(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        InvalidMessage, InvalidMessageSize, InvalidRecord, MessageBatchTooLarge, MessageSizeTooLarge, PolicyViolation,
    };
    let KafkaError::MessageProduction(code) = error else { return false };
    matches!(
        code,
        InvalidMessage
            | InvalidMessageSize
            | InvalidRecord
            | MessageBatchTooLarge
            | MessageSizeTooLarge
            | PolicyViolation
    )
}
