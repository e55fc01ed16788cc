//! The topics against the log: each event once, in its partition, in order within its aggregate, saying what the log
//! says.

use super::broker::{Broker, EventTopic, Go, Range};
use super::difference::{Difference, EventPlace, RecordPlace};
use super::record::differing;
use super::seen::Seen;
use super::{RelayChecked, TopicChecked, TopicsChecked, VerifyError};
use crate::cloud_event::{self, Attributes};
use crate::kafka::KafkaSettings;
use crate::partitioner::partition_of;
use commands::verify::{Found, Watch};
use commands::{EventOutline, Log, StoredEvent};
use domain::{AggregateType, Position};
use rdkafka::message::{Message, OwnedMessage};
use std::collections::HashMap;
use tokio::sync::mpsc;

/// How many records are compared at once, how many bytes of them, and how many such batches are read ahead.
const BATCH_RECORDS: usize = 1_000;
const BATCH_BYTES: usize = 2 << 20;
const READ_AHEAD: usize = 2;
/// How many missing positions are looked up at once.
const MISSING_AT_ONCE: usize = 2_000;

/// Reads the topics of events to the end, and compares them with the log up to where the relay has published.
///
/// What comes meanwhile is left to the next check. An embedded broker may hold an event twice.
pub async fn check_topics(
    log: &Log,
    kafka: &KafkaSettings,
    watch: &mut Watch<'_>,
) -> Result<TopicsChecked, VerifyError> {
    let broker = Broker::new(kafka, watch.cancel);
    watch.tell("topics", 0, 0)?;
    let (topics, relay) = super::published::look(log, &broker, watch.most_listed).await?;
    let RelayChecked { published, .. } = relay;
    if relay.differences.count() > 0 && published == Position::ORIGIN {
        // The topics are of another log: no comparison would say more.
        return Ok(TopicsChecked { relay, topics: Vec::new() });
    }
    let mut checks = Vec::new();
    let mut shared = Shared {
        log,
        published,
        source: cloud_event::source(log.identity()),
        embedded: kafka.embedded,
        seen: Seen::up_to(published),
    };
    for topic in topics {
        let asked = topic.clone();
        let ranges = broker.ask(move |broker| broker.ranges(&asked)).await?;
        let mut check = TopicCheck::new(topic, &ranges, watch.most_listed);
        check.read(&broker, &ranges, &mut shared, watch).await?;
        checks.push(check);
    }
    find_missing(&shared, &mut checks, watch).await?;
    Ok(TopicsChecked { relay, topics: checks.into_iter().map(TopicCheck::checked).collect() })
}

/// What both topics are checked with.
struct Shared<'a> {
    log: &'a Log,
    published: Position,
    source: String,
    embedded: bool,
    seen: Seen,
}

/// The check of one topic.
struct TopicCheck {
    topic: EventTopic,
    partitions: Vec<PartitionCheck>,
    records: u64,
    repeated: u64,
    no_longer_held: u64,
    differences: Found<Difference>,
}

/// How far one partition is.
#[derive(Debug, Default)]
struct PartitionCheck {
    /// Whether the broker has dropped its beginning.
    is_cut: bool,
    /// The position of the first record that it holds.
    first: Option<Position>,
    /// The highest position so far.
    highest: Position,
    next_offset: i64,
}

impl TopicCheck {
    fn new(topic: EventTopic, ranges: &[Range], most_listed: usize) -> Self {
        let partition = |range: &Range| PartitionCheck {
            is_cut: range.low > 0,
            next_offset: range.low,
            ..PartitionCheck::default()
        };
        Self {
            topic,
            partitions: ranges.iter().map(partition).collect(),
            records: 0,
            repeated: 0,
            no_longer_held: 0,
            differences: Found::new(most_listed),
        }
    }

    async fn read(
        &mut self,
        broker: &Broker,
        ranges: &[Range],
        shared: &mut Shared<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(), VerifyError> {
        let (sender, mut batches) = mpsc::channel(READ_AHEAD);
        let (topic, wanted) = (self.topic.name.clone(), ranges.to_vec());
        let reading = broker.ask(move |broker| read_batches(broker, &topic, &wanted, &sender));
        let total: i64 = ranges.iter().map(|range| range.end - range.low).sum();
        let name = self.topic.name.clone();
        let comparing = async {
            while let Some(batch) = batches.recv().await {
                self.take_batch(batch, shared).await?;
                watch.tell(&name, self.records, self.records.max(total.unsigned_abs()))?;
            }
            Ok(())
        };
        tokio::try_join!(reading, comparing).map(|_| ())
    }

    async fn take_batch(&mut self, batch: Vec<OwnedMessage>, shared: &mut Shared<'_>) -> Result<(), VerifyError> {
        let position = |record: &OwnedMessage| Attributes::of(record).position();
        let positions: Vec<Position> =
            batch.iter().filter_map(position).filter(|position| *position <= shared.published).collect();
        let events = shared.log.read_at(&positions).await?;
        let events: HashMap<Position, StoredEvent> = events.into_iter().map(|event| (event.position, event)).collect();
        for record in &batch {
            self.records += 1;
            match position(record) {
                // Published after the check began.
                Some(position) if position > shared.published => self.pass(record, None, shared),
                Some(position) => {
                    self.pass(record, Some(position), shared);
                    self.take(record, position, events.get(&position), shared).await?;
                }
                None => self.differences.add(Difference::Foreign { record: place(record) }),
            }
        }
        Ok(())
    }

    /// Notes what the partition holds. An embedded broker drops what is old while it is being read.
    fn pass(&mut self, record: &OwnedMessage, position: Option<Position>, shared: &Shared<'_>) {
        let Some(partition) = usize::try_from(record.partition()).ok().and_then(|n| self.partitions.get_mut(n)) else {
            return;
        };
        if shared.embedded && record.offset() > partition.next_offset {
            (partition.is_cut, partition.first) = (true, None);
        }
        partition.next_offset = record.offset() + 1;
        partition.first = partition.first.or(position);
    }

    async fn take(
        &mut self,
        record: &OwnedMessage,
        position: Position,
        event: Option<&StoredEvent>,
        shared: &mut Shared<'_>,
    ) -> Result<(), VerifyError> {
        let at = place(record);
        let Some(event) = event else {
            self.differences.add(Difference::NoEvent { record: at, position });
            return Ok(());
        };
        let mut parts = differing(record, event, &shared.source);
        if event.aggregate_type != self.topic.kind.as_str() {
            parts.insert(0, "topic".to_owned());
        }
        if !parts.is_empty() {
            self.differences.add(Difference::OtherContent { record: at, event: EventPlace::of(event), parts });
        }
        let belongs = partition_of(&event.aggregate_id, self.topic.partitions).unwrap_or(record.partition());
        if belongs != record.partition() {
            self.differences.add(Difference::OtherPartition { record: at, event: EventPlace::of(event), belongs });
        }
        self.hold_order(at, event, shared).await
    }

    async fn hold_order(
        &mut self,
        record: RecordPlace,
        event: &StoredEvent,
        shared: &mut Shared<'_>,
    ) -> Result<(), VerifyError> {
        let partition = usize::try_from(record.partition).ok().and_then(|number| self.partitions.get_mut(number));
        let in_order = partition.is_none_or(|partition| {
            let in_order = event.position > partition.highest;
            partition.highest = partition.highest.max(event.position);
            in_order
        });
        if shared.seen.contains(event.position) {
            self.repeated += 1;
            if !shared.embedded {
                self.differences.add(Difference::Repeated { record, event: EventPlace::of(event) });
            }
        } else if !in_order && comes_behind_a_later_one(event, shared).await? {
            self.differences.add(Difference::OutOfOrder { record, event: EventPlace::of(event) });
        }
        shared.seen.add(event.position);
        Ok(())
    }

    /// The first position that a partition should hold all from; `None` when it can't be said.
    fn held_from(&self, partition: i32, embedded_from: Option<Position>) -> Option<Position> {
        let partition = usize::try_from(partition).ok().and_then(|number| self.partitions.get(number));
        match partition {
            Some(partition) if partition.is_cut => partition.first,
            _ => embedded_from,
        }
    }

    fn miss(&mut self, outline: EventOutline, embedded_from: Option<Position>) {
        let partition = partition_of(&outline.place.aggregate_id, self.topic.partitions).unwrap_or(0);
        if self.held_from(partition, embedded_from).is_some_and(|from| outline.position >= from) {
            self.differences.add(Difference::Missing { partition, event: EventPlace::from(outline) });
        } else {
            self.no_longer_held += 1;
        }
    }

    fn checked(self) -> TopicChecked {
        let first = self.partitions.iter().filter_map(|partition| partition.first).min();
        let last = self.partitions.iter().map(|partition| partition.highest).max();
        TopicChecked {
            topic: self.topic.name,
            partitions: self.topic.partitions,
            records: self.records,
            first: first.unwrap_or_default(),
            last: last.unwrap_or_default(),
            repeated: self.repeated,
            no_longer_held: self.no_longer_held,
            differences: self.differences,
        }
    }
}

fn place(record: &OwnedMessage) -> RecordPlace {
    RecordPlace { partition: record.partition(), offset: record.offset() }
}

/// Whether an event that follows it in its aggregate was seen before it.
async fn comes_behind_a_later_one(event: &StoredEvent, shared: &Shared<'_>) -> Result<bool, VerifyError> {
    let Some(kind) = AggregateType::parse(&event.aggregate_type) else { return Ok(false) };
    let stream = shared.log.read_stream(kind, &event.aggregate_id, 1).await?;
    Ok(stream.iter().any(|other| other.sequence > event.sequence && shared.seen.contains(other.position)))
}

/// Reads partitions to their ends; a batch at a time.
fn read_batches(
    broker: &Broker,
    topic: &str,
    ranges: &[Range],
    batches: &mpsc::Sender<Vec<OwnedMessage>>,
) -> Result<(), VerifyError> {
    let from: Vec<_> =
        ranges.iter().filter(|range| range.low < range.end).map(|range| (range.partition, range.low)).collect();
    let ends: HashMap<i32, i64> = ranges.iter().map(|range| (range.partition, range.end)).collect();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let hand_over = |batch: &mut Vec<OwnedMessage>| {
        // Nobody takes them any more: the other side has failed, and says why.
        batch.is_empty() || batches.blocking_send(std::mem::take(batch)).is_ok()
    };
    broker.read(topic, &from, |message| {
        let Some(message) = message else {
            bytes = 0;
            return if hand_over(&mut batch) { Ok(Go::On) } else { Err(commands::verify::Stopped.into()) };
        };
        bytes += message.payload_len() + 1_024;
        batch.push(message.detach());
        if (batch.len() >= BATCH_RECORDS || bytes > BATCH_BYTES) && !hand_over(&mut batch) {
            return Err(commands::verify::Stopped.into());
        }
        if batch.is_empty() {
            bytes = 0;
        }
        let is_last = ends.get(&message.partition()).is_none_or(|end| message.offset() + 1 >= *end);
        Ok(if is_last { Go::NoFurther } else { Go::On })
    })?;
    hand_over(&mut batch);
    Ok(())
}

/// Looks for what was published and not seen.
async fn find_missing(
    shared: &Shared<'_>,
    checks: &mut [TopicCheck],
    watch: &mut Watch<'_>,
) -> Result<(), VerifyError> {
    let firsts = checks.iter().flat_map(|check| &check.partitions).filter_map(|partition| partition.first);
    // An embedded broker was given what came behind some position, which its first record tells.
    let from = if shared.embedded { firsts.min() } else { Some(Position::ORIGIN) };
    let mut after = Position::ORIGIN;
    loop {
        let missing = shared.seen.missing(after, MISSING_AT_ONCE);
        let Some(last) = missing.last() else { return Ok(()) };
        after = *last;
        watch.tell("events that are missing", after.0, shared.published.0)?;
        for outline in shared.log.outlines_at(&missing).await? {
            let kind = AggregateType::parse(&outline.place.aggregate_type);
            if let Some(check) = checks.iter_mut().find(|check| Some(check.topic.kind) == kind) {
                check.miss(outline, from);
            }
        }
    }
}
