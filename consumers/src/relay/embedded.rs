//! At least once, into an embedded broker, which has no transactions and forgets everything when it ends.
//!
//! So the relay starts again behind what every consumer group has finished, a place that is kept in PostgreSQL; and it
//! never runs further ahead of the slowest group than the broker keeps ([`Window`]). What consumers are handed twice by
//! that, their ledger knows.

use super::producer::{Deliveries, MESSAGE_AT_MOST, ReportingProducer, not_taken, produce};
use super::traced::Traced;
use super::{LOOK_EVERY, RelayError};
use crate::cloud_event;
use crate::embedded_broker::{KEPT_BATCHES, KEPT_BYTES};
use crate::kafka::{BrokerError, KafkaSettings};
use crate::ledger::groups::{self, Declared, Progress};
use crate::status::{ReaderStatus, tell_position};
use crate::topics::{self, Topics};
use commands::{Log, StoredEvent};
use domain::{AggregateType, Position};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::producer::Producer;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const BATCH_ROWS: u32 = 500;
/// How often the groups' progress is looked at while there is something that they have not finished.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);
/// How often is looked whether a person has set a group back.
const INSTRUCTIONS_EVERY: Duration = Duration::from_millis(500);
/// How long nothing more is published so that the groups get done with what is in the broker. If one of them can't, the
/// others go on for as long before it is tried again.
const HOLD_AT_MOST: Duration = Duration::from_secs(30);
/// How often deliveries are looked at.
const DELIVERY_STEP: Duration = Duration::from_millis(1);

/// How much may be in the broker that some group has not finished: half of what it keeps in one partition, over all
/// partitions together, so in each one, however the keys fall. A batch holds one record at least, so events bound
/// batches.
const WINDOW_BYTES: usize = KEPT_BYTES / 2;
const WINDOW_EVENTS: usize = KEPT_BATCHES / 2;
/// What a record takes besides its event: the names of its headers, its lengths, and the head of its batch; at most.
const RECORD_OVERHEAD_BYTES: usize = 768;

/// Streams the log to the broker until `cancel` or an error.
pub(super) async fn relay(
    log: &Log,
    kafka: &KafkaSettings,
    cancel: &CancellationToken,
    status: &watch::Sender<ReaderStatus>,
) -> Result<(), RelayError> {
    let work = async {
        let mut relay = Relay::open(log, kafka, status).await?;
        loop {
            relay.step().await?;
        }
    };
    cancel.run_until_cancelled(work).await.unwrap_or(Ok(()))
}

struct Relay<'a> {
    log: &'a Log,
    status: &'a watch::Sender<ReaderStatus>,
    producer: ReportingProducer,
    topics: Topics,
    source: String,
    groups: Vec<Declared>,
    /// The last event that was read from the log.
    read: Position,
    /// What was read and did not fit into the window yet.
    pending: VecDeque<Arc<StoredEvent>>,
    window: Window,
    kept_finished: Position,
    next_look: Instant,
    next_instruction_look: Instant,
    /// Since when nothing is published, so that it can go back.
    held_since: Option<Instant>,
}

impl<'a> Relay<'a> {
    async fn open(
        log: &'a Log,
        kafka: &KafkaSettings,
        status: &'a watch::Sender<ReaderStatus>,
    ) -> Result<Self, RelayError> {
        let topics = topics::ensure(kafka).await?;
        let groups = crate::declared();
        let finished = groups::resume(log, &groups).await?;
        let head = log.head().await?;
        if finished > head {
            return Err(RelayError::FinishedAhead { finished, head });
        }
        let mut config = kafka.client()?;
        config
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", MESSAGE_AT_MOST.as_millis().to_string())
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.kbytes", "16384")
            .set("linger.ms", "0");
        let producer = ReportingProducer::from_config_and_context(&config, Deliveries::default())
            .map_err(BrokerError::Settings)?;
        tell_position(status, finished);
        Ok(Self {
            log,
            status,
            producer,
            topics,
            source: cloud_event::source(log.identity()),
            groups,
            read: finished,
            pending: VecDeque::new(),
            window: Window::new(finished),
            kept_finished: finished,
            next_look: Instant::now(),
            next_instruction_look: Instant::now(),
            held_since: None,
        })
    }

    /// Publishes what fits, or waits for news.
    async fn step(&mut self) -> Result<(), RelayError> {
        self.look_at_progress().await?;
        self.go_back_if_instructed().await?;
        if self.held_since.is_some() {
            tokio::time::sleep(PROGRESS_EVERY).await;
            return Ok(());
        }
        if self.pending.is_empty() {
            self.pending.extend(self.log.read(self.read, BATCH_ROWS).await?);
            self.read = self.pending.back().map_or(self.read, |event| event.position);
        }
        if self.pending.is_empty() {
            let at_most = if self.window.is_empty() { LOOK_EVERY } else { PROGRESS_EVERY };
            self.log.wait_beyond(self.read, at_most).await;
            return Ok(());
        }
        if self.publish().await? == 0 {
            tokio::time::sleep(PROGRESS_EVERY).await;
        }
        Ok(())
    }

    /// Publishes as many of the pending events as fit into the window; says how many.
    async fn publish(&mut self) -> Result<usize, RelayError> {
        let mut sent = Vec::new();
        while let Some(event) = self.pending.front() {
            if !self.window.has_room(event) {
                break;
            }
            produce(&self.producer, &self.topics, &self.source, event, sent.len() + 1)?;
            self.window.add(event)?;
            sent.extend(self.pending.pop_front());
        }
        let Some(last) = sent.last().map(|event| event.position) else { return Ok(0) };
        let traced = Traced::begin(&sent);
        self.delivered(sent.len()).await?;
        traced.committed(sent.len(), last);
        metrics::counter!("orders_relay_events_total").increment(sent.len() as u64);
        metrics::gauge!("orders_relay_position").set(last.0 as f64);
        tell_position(self.status, last);
        Ok(sent.len())
    }

    /// Waits until the last `count` events were taken, and notes in which partitions.
    async fn delivered(&mut self, count: usize) -> Result<(), RelayError> {
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            tokio::time::sleep(DELIVERY_STEP).await;
        }
        self.producer.context().failure()?;
        let placed = self.producer.context().placed();
        if placed.len() != count {
            return Err(not_taken(&rdkafka::error::KafkaError::Canceled));
        }
        self.window.place(count, &placed);
        Ok(())
    }

    /// Goes back where a person has set a group back. Only once every group is done with all that is in the broker:
    /// what one notes at this moment would be taken for what it is handed again. Nothing more is published until then:
    /// under load that moment would never come.
    async fn go_back_if_instructed(&mut self) -> Result<(), RelayError> {
        let now = Instant::now();
        if self.held_since.is_none() && now < self.next_instruction_look {
            return Ok(());
        }
        self.next_instruction_look = now + INSTRUCTIONS_EVERY;
        let (finished, is_one_paused) = groups::finished(self.log.pool(), &self.groups).await?;
        let is_instructed = finished < self.kept_finished;
        if is_instructed && self.window.is_empty() {
            let finished = groups::resume(self.log, &self.groups).await?;
            tracing::info!("publishing again what stands behind position {finished}, as a person asked for");
            self.pending.clear();
            (self.read, self.window, self.kept_finished) = (finished, Window::new(finished), finished);
        }
        // One that rests gets done with nothing: the others are not to rest with it.
        let holds = is_instructed && !self.window.is_empty() && !is_one_paused;
        self.held_since = holds.then(|| self.held_since.unwrap_or(now));
        if self.held_since.take_if(|since| since.elapsed() > HOLD_AT_MOST).is_some() {
            tracing::warn!(
                "a group is not done with its events, so the relay can't go back yet, as a person asked for"
            );
            self.next_instruction_look = now + HOLD_AT_MOST;
        }
        Ok(())
    }

    async fn look_at_progress(&mut self) -> Result<(), RelayError> {
        if self.window.is_empty() || Instant::now() < self.next_look {
            return Ok(());
        }
        self.next_look = Instant::now() + PROGRESS_EVERY;
        let progress = groups::progress(self.log.pool(), &self.groups).await?;
        self.window.settle(&self.groups, &self.topics, &progress);
        let finished = self.window.finished_up_to();
        if finished > self.kept_finished {
            groups::keep_finished(self.log.pool(), &self.groups, self.kept_finished, finished).await?;
            self.kept_finished = finished;
        }
        Ok(())
    }
}

/// What is in the broker from the first event on that some group has not finished.
#[derive(Debug)]
struct Window {
    sent: VecDeque<Sent>,
    bytes: usize,
    /// The last event that was ever in it, or where it began.
    last: Position,
}

#[derive(Debug)]
struct Sent {
    position: Position,
    kind: AggregateType,
    partition: i32,
    bytes: usize,
}

impl Window {
    fn new(last: Position) -> Self {
        Self { sent: VecDeque::new(), bytes: 0, last }
    }

    fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// An event alone always fits: its size is bounded elsewhere, far below the window's.
    fn has_room(&self, event: &StoredEvent) -> bool {
        self.is_empty() || (self.sent.len() < WINDOW_EVENTS && self.bytes + record_bytes(event) <= WINDOW_BYTES)
    }

    fn add(&mut self, event: &StoredEvent) -> Result<(), RelayError> {
        let kind = AggregateType::parse(&event.aggregate_type).ok_or_else(|| RelayError::NoTopic {
            position: event.position,
            aggregate_type: event.aggregate_type.to_string(),
        })?;
        let bytes = record_bytes(event);
        self.bytes += bytes;
        self.last = event.position;
        self.sent.push_back(Sent { position: event.position, kind, partition: 0, bytes });
        Ok(())
    }

    /// Notes the partitions of the last `count` events, which were numbered from 1.
    fn place(&mut self, count: usize, placed: &[(usize, i32)]) {
        let first = self.sent.len().saturating_sub(count);
        for (number, partition) in placed {
            if let Some(sent) = self.sent.get_mut(first + number - 1) {
                sent.partition = *partition;
            }
        }
    }

    /// Forgets, from the front, what every group that follows its topic has finished.
    fn settle(&mut self, groups: &[Declared], topics: &Topics, progress: &Progress) {
        while let Some(sent) = self.sent.front() {
            let finished = groups.iter().filter(|group| group.kinds.contains(&sent.kind)).all(|group| {
                let done = progress.of(group.name, topics.of(sent.kind), sent.partition);
                done.is_some_and(|done| done >= sent.position)
            });
            if !finished {
                break;
            }
            self.bytes -= sent.bytes;
            self.sent.pop_front();
        }
    }

    fn finished_up_to(&self) -> Position {
        self.sent.front().map_or(self.last, |first| Position(first.position.0.saturating_sub(1)))
    }
}

/// How many bytes of the broker's an event takes, at most.
fn record_bytes(event: &StoredEvent) -> usize {
    event.payload.len() + event.metadata.len() + 2 * event.aggregate_id.len() + RECORD_OVERHEAD_BYTES
}
