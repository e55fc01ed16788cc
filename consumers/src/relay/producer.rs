//! Producing records, and the reports of what became of them.

use super::RelayError;
use crate::cloud_event;
use crate::kafka::{log, report};
use crate::topics::Topics;
use chrono::{DateTime, TimeDelta, Utc};
use commands::StoredEvent;
use domain::AggregateType;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a record may take to be taken. Below the time-out of transactions, so that a record fails first.
pub(super) const MESSAGE_AT_MOST: Duration = Duration::from_secs(10);
/// How long deliveries are waited for: a little more than each may take.
const DRAIN_AT_MOST: Duration = Duration::from_secs(12);
/// How long the thread rests between two looks for reports. The library counts its waits in whole milliseconds, rounds
/// down, and looks without a pause for the rest: a wait of 1 ms keeps a core busy.
const REST: Duration = Duration::from_micros(200);

/// What became of the records since the last look.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    reports: Mutex<Reports>,
}

#[derive(Debug, Default)]
struct Reports {
    failed: Option<String>,
    /// The partition of each record that carried a number.
    placed: Vec<(usize, i32)>,
}

impl Deliveries {
    /// The first failure since the last look.
    pub(super) fn failure(&self) -> Result<(), RelayError> {
        self.lock().failed.take().map_or(Ok(()), |fault| Err(RelayError::NotTaken(fault)))
    }

    /// The partitions of the numbered records that were taken since the last look.
    pub(super) fn placed(&self) -> Vec<(usize, i32)> {
        std::mem::take(&mut self.lock().placed)
    }

    fn lock(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// A record's number; 0 for one that nobody asks about.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(message) if number > 0 => self.lock().placed.push((number, message.partition())),
            Ok(_) => {}
            Err((error, _)) => {
                self.lock().failed.get_or_insert_with(|| error.to_string());
            }
        }
    }
}

/// A producer with reports.
pub(super) type ReportingProducer = BaseProducer<Deliveries>;

/// Where an event goes.
pub(super) fn topic<'a>(topics: &'a Topics, event: &StoredEvent) -> Result<&'a str, RelayError> {
    AggregateType::parse(&event.aggregate_type).map(|kind| topics.of(kind)).ok_or_else(|| RelayError::NoTopic {
        position: event.position,
        aggregate_type: event.aggregate_type.to_string(),
    })
}

/// How far the log's time may be ahead of this machine's before records are given the latter. Kafka refuses what is
/// more than an hour ahead of its own clock, and the log's time, which never runs backwards, stays ahead once
/// PostgreSQL's clock was.
pub(crate) const AHEAD_AT_MOST: TimeDelta = TimeDelta::minutes(30);

/// The time of an event's record: when it was written down, unless that is too far ahead. The header says the exact
/// time.
fn timestamp_ms(event: &StoredEvent, now: DateTime<Utc>) -> i64 {
    let is_ahead = event.recorded_at - now > AHEAD_AT_MOST;
    if is_ahead { now.timestamp_millis() } else { event.recorded_at.timestamp_millis() }
}

/// Hands one event to the producer; it does not wait for its delivery.
///
/// `number` comes back in the report; 0 for none.
pub(super) fn produce(
    producer: &ReportingProducer,
    topics: &Topics,
    source: &str,
    event: &StoredEvent,
    number: usize,
) -> Result<(), RelayError> {
    let topic = topic(topics, event)?;
    let record = BaseRecord::with_opaque_to(topic, number)
        .key(&*event.aggregate_id)
        .payload(&*event.payload)
        .timestamp(timestamp_ms(event, Utc::now()))
        .headers(cloud_event::headers(event, source));
    fail::fail_point!("produce.before");
    send(producer, record)?;
    fail::fail_point!("produce.after");
    Ok(())
}

/// Hands a record to the producer, waiting while its queue is full.
pub(super) fn send(
    producer: &ReportingProducer,
    mut record: BaseRecord<'_, str, str, usize>,
) -> Result<(), RelayError> {
    let deadline = Instant::now() + DRAIN_AT_MOST;
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) if Instant::now() < deadline => {
                record = again;
                take_reports(producer);
            }
            Err((error, _)) => return Err(not_taken(&error)),
        }
    }
}

/// Waits until every record handed over was taken or failed.
pub(super) fn drain(producer: &ReportingProducer) -> Result<(), RelayError> {
    let deadline = Instant::now() + DRAIN_AT_MOST;
    while producer.in_flight_count() > 0 {
        take_reports(producer);
        if Instant::now() > deadline {
            return Err(RelayError::NotTaken("no answer for the records of a batch".to_owned()));
        }
    }
    producer.context().failure()
}

/// Takes the reports that are there, and lets the library's own threads work.
fn take_reports(producer: &ReportingProducer) {
    producer.poll(Duration::ZERO);
    thread::sleep(REST);
}

pub(super) fn not_taken(error: &KafkaError) -> RelayError {
    RelayError::NotTaken(error.to_string())
}
