//! What a check asks of Kafka: how many partitions there are, up to where the relay has published, where partitions
//! begin and end, and where a group is. All calls block, so they are made on threads of their own.

use super::VerifyError;
use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use crate::relay::{Published, published};
use crate::topics::Topics;
use domain::{AggregateType, Position};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::thread;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a transaction may stay open that was open at the begin: more than the broker lets one.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long Kafka may say nothing at all while a topic is read.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);
const POLL_STEP: Duration = Duration::from_millis(100);

/// A topic of events and its partitions.
#[derive(Debug, Clone)]
pub(super) struct EventTopic {
    pub(super) kind: AggregateType,
    pub(super) name: String,
    /// How many it has; 0 where there is no such topic.
    pub(super) partitions: usize,
}

/// The part of a partition that was there at the begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) partition: i32,
    /// The first offset that the broker still holds.
    pub(super) low: i64,
    /// Behind the last one. Everything before it is committed or aborted.
    pub(super) end: i64,
}

/// Kafka, as it is asked here.
#[derive(Debug, Clone)]
pub(super) struct Broker {
    pub(super) kafka: KafkaSettings,
    pub(super) topics: Topics,
    pub(super) cancel: CancellationToken,
}

/// Whether a reader wants more of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    On,
    NoFurther,
}

impl Broker {
    pub(super) fn new(kafka: &KafkaSettings, cancel: &CancellationToken) -> Self {
        Self { kafka: kafka.clone(), topics: Topics::new(&kafka.prefix), cancel: cancel.clone() }
    }

    /// Asks on a thread of its own.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Self) -> Result<T, VerifyError> + Send + 'static,
    ) -> Result<T, VerifyError> {
        let broker = self.clone();
        match tokio::task::spawn_blocking(move || question(&broker)).await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(commands::verify::Stopped.into()),
            },
        }
    }

    /// The topics of events, and whether there is a topic of the relay's position.
    pub(super) fn event_topics(&self) -> Result<(Vec<EventTopic>, bool), VerifyError> {
        let metadata = self.reader(None)?.fetch_metadata(None, ASK_AT_MOST).map_err(|error| self.away(&error))?;
        let count = |name: &str| {
            let found = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
            found.map_or(0, |topic| topic.partitions().len())
        };
        let topics = AggregateType::ALL.map(|kind| {
            let name = self.topics.of(kind).to_owned();
            EventTopic { kind, partitions: count(&name), name }
        });
        Ok((topics.to_vec(), count(&self.topics.relay) > 0))
    }

    /// What the relay's last committed transaction says.
    pub(super) fn published(&self) -> Result<Option<Published>, VerifyError> {
        published(&self.kafka, &self.topics).map_err(VerifyError::Relay)
    }

    /// What is in a topic by now, once all transactions that it has begun are over.
    pub(super) fn ranges(&self, topic: &EventTopic) -> Result<Vec<Range>, VerifyError> {
        // Asked by a reader of uncommitted records, the end is where the next record goes.
        let uncommitted = self.reader(Some("read_uncommitted"))?;
        let committed = self.reader(None)?;
        let deadline = Instant::now() + SETTLES_WITHIN;
        let mut ranges = Vec::with_capacity(topic.partitions);
        for partition in partitions(topic) {
            let ask = |reader: &BaseConsumer<Quiet>| {
                reader.fetch_watermarks(&topic.name, partition, ASK_AT_MOST).map_err(|error| self.away(&error))
            };
            let (low, end) = ask(&uncommitted)?;
            while ask(&committed)?.1 < end {
                self.go_on()?;
                if Instant::now() > deadline {
                    return Err(VerifyError::Unsettled { topic: topic.name.clone(), partition });
                }
                thread::sleep(LOOK_EVERY);
            }
            ranges.push(Range { partition, low, end });
        }
        Ok(ranges)
    }

    /// Whether a topic holds any committed record. Its offsets don't tell: those of aborted ones are counted too.
    pub(super) fn any_record(&self, topic: &EventTopic) -> Result<bool, VerifyError> {
        let ranges = self.ranges(topic)?;
        let filled = ranges.iter().filter(|range| range.low < range.end);
        let from: Vec<(i32, i64)> = filled.map(|range| (range.partition, range.low)).collect();
        let mut found = false;
        self.read(&topic.name, &from, |record| {
            found |= record.is_some();
            Ok(if found { Go::NoFurther } else { Go::On })
        })?;
        Ok(found)
    }

    /// The offsets that a group has committed, where it has.
    pub(super) fn committed(&self, group: &str, topic: &EventTopic) -> Result<Vec<(i32, i64)>, VerifyError> {
        if topic.partitions == 0 {
            return Ok(Vec::new());
        }
        let mut config = self.kafka.consumer(&self.kafka.group(group))?;
        config.set("enable.auto.commit", "false");
        let reader = BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
        let mut asked = TopicPartitionList::new();
        for partition in partitions(topic) {
            asked.add_partition(&topic.name, partition);
        }
        let committed = reader.committed_offsets(asked, ASK_AT_MOST).map_err(|error| self.away(&error))?;
        let known = committed.elements().into_iter().filter_map(|place| match place.offset() {
            Offset::Offset(offset) => Some((place.partition(), offset)),
            _ => None,
        });
        Ok(known.collect())
    }

    /// Reads committed records of a topic from these offsets on: of each partition as much as `take` wants, at most up
    /// to its end as it is then. [`None`] stands for a moment in which nothing came.
    pub(super) fn read(
        &self,
        topic: &str,
        from: &[(i32, i64)],
        mut take: impl FnMut(Option<&rdkafka::message::BorrowedMessage<'_>>) -> Result<Go, VerifyError>,
    ) -> Result<(), VerifyError> {
        use rdkafka::message::Message;
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in from {
            assignment
                .add_partition_offset(topic, *partition, Offset::Offset(*offset))
                .map_err(BrokerError::Settings)?;
        }
        let mut open: Vec<i32> = from.iter().map(|(partition, _)| *partition).collect();
        if open.is_empty() {
            return Ok(());
        }
        let reader = self.reader(None)?;
        reader.assign(&assignment).map_err(BrokerError::Settings)?;
        let mut heard = Instant::now();
        while !open.is_empty() {
            self.go_on()?;
            let ended = match reader.poll(POLL_STEP) {
                Some(Ok(message)) if !open.contains(&message.partition()) => None,
                Some(Ok(message)) => (take(Some(&message))? == Go::NoFurther).then(|| message.partition()),
                Some(Err(KafkaError::PartitionEOF(partition))) => Some(partition),
                Some(Err(error)) => return Err(self.away(&error)),
                None if heard.elapsed() > SILENT_AT_MOST => {
                    return Err(self.away(&format!("no answer within {} s", SILENT_AT_MOST.as_secs())));
                }
                None => {
                    take(None)?;
                    continue;
                }
            };
            heard = Instant::now();
            open.retain(|partition| Some(*partition) != ended);
        }
        Ok(())
    }

    fn reader(&self, isolation: Option<&str>) -> Result<BaseConsumer<Quiet>, VerifyError> {
        let mut config = self.kafka.consumer(&self.kafka.group("verify"))?;
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("check.crcs", "true");
        // That a partition has ended is said by an answer without records, for which the broker would take half a
        // second.
        config.set("fetch.wait.max.ms", "10");
        if let Some(isolation) = isolation {
            config.set("isolation.level", isolation);
        }
        Ok(BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?)
    }

    fn go_on(&self) -> Result<(), VerifyError> {
        if self.cancel.is_cancelled() { Err(commands::verify::Stopped.into()) } else { Ok(()) }
    }

    fn away(&self, fault: &dyn std::fmt::Display) -> VerifyError {
        BrokerError::Unreachable { brokers: self.kafka.brokers.clone(), fault: fault.to_string() }.into()
    }
}

fn partitions(topic: &EventTopic) -> std::ops::Range<i32> {
    0..i32::try_from(topic.partitions).unwrap_or(i32::MAX)
}

/// The position up to which everything in a partition is below a group's committed offset: by the first record that is
/// not. `published` when there is none such.
pub(super) fn bounds(
    broker: &Broker,
    group: &str,
    topic: &EventTopic,
    published: Position,
) -> Result<Vec<(i32, Position)>, VerifyError> {
    use rdkafka::message::Message;
    let ranges = broker.ranges(topic)?;
    let committed = broker.committed(group, topic)?;
    let end = |partition: i32| ranges.iter().find(|range| range.partition == partition).map_or(0, |range| range.end);
    let behind: Vec<_> = committed.iter().copied().filter(|(partition, offset)| *offset < end(*partition)).collect();
    let mut bounds: Vec<_> = committed.iter().map(|(partition, _)| (*partition, published)).collect();
    broker.read(&topic.name, &behind, |message| {
        let Some(message) = message else { return Ok(Go::On) };
        let Some(next) = crate::cloud_event::Attributes::of(message).position() else { return Ok(Go::On) };
        if let Some((_, bound)) = bounds.iter_mut().find(|(partition, _)| *partition == message.partition()) {
            *bound = (*bound).min(Position(next.0.saturating_sub(1)));
        }
        Ok(Go::NoFurther)
    })?;
    Ok(bounds)
}
