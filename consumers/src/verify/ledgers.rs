//! The ledger against the log: one entry for each effect that is called for, and one event for each entry.

use super::broker::{self, Broker, EventTopic};
use super::difference::{Difference, EventPlace};
use super::entries::{self, LedgerEntry};
use super::{LedgerChecked, Reach, VerifyError, published};
use crate::kafka::KafkaSettings;
use crate::ledger::groups::{self, Standing};
use crate::ledger::{State, groups::Declared};
use crate::partitioner::partition_of;
use crate::topics::Topics;
use commands::verify::{Found, Watch};
use commands::{EventOutline, Log, StoredEvent, StreamPlace};
use domain::ids::EventId;
use domain::{AggregateType, Event, Position};
use std::collections::HashMap;
use uuid::Uuid;

/// How many positions of the log are looked at in one statement.
const BATCH_POSITIONS: u64 = 5_000;
const BATCH_ENTRIES: i64 = 2_000;

/// A registered consumer, as far as it can be told which effects it should have had.
pub(crate) struct Watched {
    pub(crate) declared: Declared,
    /// The types of events that it is handed.
    pub(crate) types: &'static [&'static str],
    /// Whom the effect of an event reaches; the nil UUID for nobody.
    pub(crate) recipient: Box<dyn Fn(Event) -> Uuid + Send + Sync>,
}

/// Compares the ledger of every registered consumer with the log, up to where its group is.
///
/// `kafka` says how far that is; without one, or with an embedded broker, what was noted in PostgreSQL does. `names`
/// are the settings by which topics are called then. That Kafka is not the log's is a difference here too, unless it
/// was told already, by [`check_topics`](super::check_topics).
pub async fn check_ledgers(
    log: &Log,
    kafka: Option<&KafkaSettings>,
    names: &KafkaSettings,
    relay_is_told: bool,
    watch: &mut Watch<'_>,
) -> Result<Vec<LedgerChecked>, VerifyError> {
    let mut all = Vec::new();
    for consumer in crate::watched() {
        watch.tell(consumer.declared.name, 0, log.known_head().0)?;
        let check = match kafka.filter(|kafka| !kafka.embedded) {
            Some(kafka) => Check::by_offsets(log, kafka, &consumer, relay_is_told, watch).await?,
            None => Check::by_progress(log, kafka.unwrap_or(names), &consumer, watch.most_listed).await?,
        };
        all.push(check.run(watch).await?);
    }
    Ok(all)
}

/// How far a group is, by kind and partition: what is up to there is behind it.
struct Bounds {
    reach: Reach,
    partitions: HashMap<AggregateType, usize>,
    by_partition: HashMap<(AggregateType, i32), Position>,
    /// What is up to there is behind it in every partition.
    everywhere: Position,
}

impl Bounds {
    fn is_behind(&self, event: &StoredEvent) -> bool {
        if event.position <= self.everywhere {
            return true;
        }
        let Some(kind) = AggregateType::parse(&event.aggregate_type) else { return false };
        let count = self.partitions.get(&kind).copied().unwrap_or(0);
        partition_of(&event.aggregate_id, count)
            .and_then(|partition| self.by_partition.get(&(kind, partition)))
            .is_some_and(|bound| event.position <= *bound)
    }
}

/// What was noted of other topics, or of more partitions, would be taken for nothing.
fn check_names(
    declared: &Declared,
    progress: &groups::Progress,
    names: &KafkaSettings,
    topics: &Topics,
) -> Result<(), VerifyError> {
    let known: Vec<&str> = declared.kinds.iter().map(|kind| topics.of(*kind)).collect();
    let count = i32::from(names.partitions);
    let is_own = |(topic, _): &(&str, i32)| known.contains(topic);
    let (own, others): (Vec<_>, Vec<_>) = progress.places_of(declared.name).partition(is_own);
    let beyond = own.iter().find(|(_, partition)| *partition >= count);
    // What an earlier prefix left is no matter, once there is something under this one.
    let elsewhere = others.first().filter(|_| own.is_empty());
    match beyond.or(elsewhere) {
        None => Ok(()),
        Some((topic, partition)) => Err(VerifyError::OtherTopics {
            consumer: declared.name,
            topic: (*topic).to_owned(),
            partition: *partition,
            topics: Box::new(topics.clone()),
            partitions: names.partitions,
        }),
    }
}

/// The check of one consumer.
struct Check<'a> {
    log: &'a Log,
    consumer: &'a Watched,
    bounds: Bounds,
    /// `None` when it was never started.
    standing: Option<Standing>,
    checked: LedgerChecked,
}

impl<'a> Check<'a> {
    fn new(
        log: &'a Log,
        consumer: &'a Watched,
        bounds: Bounds,
        standing: Option<Standing>,
        most_listed: usize,
    ) -> Self {
        let checked = LedgerChecked {
            consumer: consumer.declared.name,
            started: standing.is_some(),
            reach: bounds.reach,
            foreign_kafka: false,
            calls: 0,
            to_come: 0,
            states: State::ALL.map(|state| (state, 0)).to_vec(),
            differences: Found::new(most_listed),
        };
        Self { log, consumer, bounds, standing, checked }
    }

    async fn by_offsets(
        log: &'a Log,
        kafka: &KafkaSettings,
        consumer: &'a Watched,
        relay_is_told: bool,
        watch: &Watch<'_>,
    ) -> Result<Self, VerifyError> {
        let broker = Broker::new(kafka, watch.cancel);
        let (topics, relay) = published::look(log, &broker, watch.most_listed).await?;
        let followed = topics.into_iter().filter(|topic| consumer.declared.kinds.contains(&topic.kind));
        let (mut partitions, mut by_partition) = (HashMap::new(), HashMap::new());
        for topic in followed {
            let EventTopic { kind, partitions: count, .. } = topic;
            let (group, up_to) = (consumer.declared.name, relay.published);
            let bounds = broker.ask(move |broker| broker::bounds(broker, group, &topic, up_to)).await?;
            partitions.insert(kind, count);
            by_partition.extend(bounds.into_iter().map(|(partition, bound)| ((kind, partition), bound)));
        }
        let reach = Reach::CommittedOffsets;
        let bounds = Bounds { reach, partitions, by_partition, everywhere: Position::ORIGIN };
        let standing = groups::standing(log.pool(), consumer.declared.name).await?;
        let mut check = Self::new(log, consumer, bounds, standing, watch.most_listed);
        check.checked.foreign_kafka = relay.differences.count() > 0;
        for difference in relay.differences.listed().iter().filter(|_| !relay_is_told) {
            check.checked.differences.add(difference.clone());
        }
        Ok(check)
    }

    async fn by_progress(
        log: &'a Log,
        names: &KafkaSettings,
        consumer: &'a Watched,
        most_listed: usize,
    ) -> Result<Self, VerifyError> {
        let topics = Topics::new(&names.prefix);
        let declared = std::slice::from_ref(&consumer.declared);
        let progress = groups::progress(log.pool(), declared).await?;
        check_names(&consumer.declared, &progress, names, &topics)?;
        let standing = groups::standing(log.pool(), consumer.declared.name).await?;
        let (mut partitions, mut by_partition) = (HashMap::new(), HashMap::new());
        for kind in consumer.declared.kinds.iter().copied() {
            partitions.insert(kind, usize::from(names.partitions));
            for partition in 0..i32::from(names.partitions) {
                if let Some(bound) = progress.of(consumer.declared.name, topics.of(kind), partition) {
                    by_partition.insert((kind, partition), bound);
                }
            }
        }
        let everywhere = standing.map_or(Position::ORIGIN, |standing| standing.finished_up_to);
        let bounds = Bounds { reach: Reach::NotedProgress, partitions, by_partition, everywhere };
        Ok(Self::new(log, consumer, bounds, standing, most_listed))
    }

    async fn run(mut self, watch: &mut Watch<'_>) -> Result<LedgerChecked, VerifyError> {
        if let Some(standing) = self.standing {
            self.check_events(standing.started_after, watch).await?;
            self.check_entries(standing.started_after, watch).await?;
        }
        Ok(self.checked)
    }

    /// From events to entries.
    async fn check_events(&mut self, started_after: Position, watch: &mut Watch<'_>) -> Result<(), VerifyError> {
        let head = self.log.head().await?;
        let mut after = started_after;
        while after < head {
            watch.tell(self.checked.consumer, after.0, head.0)?;
            let read = self.log.read_types(self.consumer.types, after, head, BATCH_POSITIONS).await?;
            after = read.up_to;
            let (behind, to_come): (Vec<_>, Vec<_>) =
                read.events.iter().partition(|event| self.bounds.is_behind(event));
            self.checked.calls += behind.len() as u64;
            self.checked.to_come += to_come.len() as u64;
            self.check_behind(&behind).await?;
        }
        Ok(())
    }

    async fn check_behind(&mut self, events: &[&StoredEvent]) -> Result<(), VerifyError> {
        let ids: Vec<EventId> = events.iter().map(|event| event.event_id).collect();
        let mut by_event: HashMap<EventId, Vec<LedgerEntry>> = HashMap::new();
        for entry in entries::of_events(self.log.pool(), self.checked.consumer, &ids).await? {
            by_event.entry(entry.event.event_id).or_default().push(entry);
        }
        for event in events {
            let entries = by_event.remove(&event.event_id).unwrap_or_default();
            self.check_event(event, &entries);
        }
        Ok(())
    }

    fn check_event(&mut self, event: &StoredEvent, entries: &[LedgerEntry]) {
        let recipient = event.recorded().map_or(Uuid::nil(), |event| (self.consumer.recipient)(event.event.clone()));
        // An event that could not be read when it came is known without its recipient.
        let fits = |entry: &&LedgerEntry| entry.recipient == recipient || entry.recipient.is_nil();
        let Some(own) = entries.iter().find(fits) else {
            self.checked.differences.add(Difference::EntryMissing { event: EventPlace::of(event), recipient });
            return;
        };
        for extra in entries.iter().filter(|entry| entry.id != own.id) {
            let (entry, recipient) = (extra.id, extra.recipient);
            self.checked.differences.add(Difference::EntryExtra { entry, event: EventPlace::of(event), recipient });
        }
    }

    /// From entries to events.
    async fn check_entries(&mut self, started_after: Position, watch: &mut Watch<'_>) -> Result<(), VerifyError> {
        let pool = self.log.pool();
        let last = entries::last(pool).await?;
        let mut after = 0_i64;
        loop {
            watch.tell("ledger", after.unsigned_abs(), last.unsigned_abs())?;
            let page = entries::page(pool, self.checked.consumer, after, last, BATCH_ENTRIES).await?;
            let Some(end) = page.last() else { return Ok(()) };
            after = end.id;
            let places: Vec<&StreamPlace> = page.iter().map(|entry| &entry.event.place).collect();
            let found = self.log.outlines_in(&places).await?;
            let found: HashMap<&StreamPlace, &EventOutline> =
                found.iter().map(|outline| (&outline.place, outline)).collect();
            for entry in &page {
                if let Some((_, count)) = self.checked.states.iter_mut().find(|(state, _)| Some(*state) == entry.state)
                {
                    *count += 1;
                }
                if found.get(&entry.event.place) != Some(&&entry.event) {
                    let event = EventPlace::from(entry.event.clone());
                    self.checked.differences.add(Difference::EntryWithoutEvent { entry: entry.id, event });
                } else if entry.event.position <= started_after
                    || !self.consumer.types.contains(&entry.event_type.as_str())
                {
                    let (event, event_type) = (EventPlace::from(entry.event.clone()), entry.event_type.clone());
                    self.checked.differences.add(Difference::EntryUncalled { entry: entry.id, event, event_type });
                }
            }
        }
    }
}
