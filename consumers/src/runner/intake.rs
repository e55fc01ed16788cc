//! From Kafka into the ledger.

use super::membership::{self, GroupMember};
use super::record::{self, Record};
use super::{Member, RunError};
use crate::consumer::Consumer;
use crate::kafka::BrokerError;
use crate::ledger::LedgerError;
use crate::ledger::control::Control;
use crate::ledger::intake::{Cause, Claimant, Mark, Marks, Noted, note};
use crate::pause::Pauses;
use crate::status::{ReaderState, tell, tell_taken};
use domain::{Position, Recorded};
use futures::FutureExt;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many records are noted in one statement.
const BATCH_RECORDS: usize = 500;
/// How many effects are noted in one statement.
const BATCH_CAUSES: usize = 200;
/// How long a batch waits for places in hand. Then it is noted as waiting, and the partition moves on.
const ROOM_AT_MOST: Duration = Duration::from_secs(2);
/// How long a batch is noted again and again while PostgreSQL is away, before the group is left.
const NOTE_AT_MOST: Duration = Duration::from_secs(60);

/// Records that were taken from Kafka together.
struct Batch<E> {
    causes: Vec<Cause>,
    /// The events of the causes, at the same places; `None` for poison.
    events: Vec<Option<Box<Recorded<E>>>>,
    /// By topic and partition.
    marks: HashMap<(String, i32), Mark>,
    records: usize,
    last: Position,
}

impl<E> Default for Batch<E> {
    fn default() -> Self {
        Self { causes: Vec::new(), events: Vec::new(), marks: HashMap::new(), records: 0, last: Position::ORIGIN }
    }
}

impl<C: Consumer> Member<C> {
    /// Takes in what Kafka hands over, until an error.
    pub(super) async fn take_in(self: Arc<Self>, member: &Arc<GroupMember>) -> Result<(), RunError> {
        let mut orders = self.control.subscribe();
        self.tell_at_work();
        loop {
            let Control { paused, rewinds, .. } = orders.borrow_and_update().clone();
            if let Some(reason) = paused {
                self.rest(member, &reason).await?;
                continue;
            }
            self.go_back(member, &rewinds).await?;
            tokio::select! {
                batch = self.collect(member) => self.take(batch?, member).await?,
                _ = orders.changed() => {}
            }
        }
    }

    /// Notes a batch, and begins its work.
    async fn take(self: &Arc<Self>, batch: Batch<C::Event>, member: &GroupMember) -> Result<(), RunError> {
        let (records, last) = (batch.records, batch.last);
        metrics::counter!("orders_consumer_records_total", "consumer" => C::NAME).increment(records as u64);
        let marks = self.note(batch).await?;
        store(member, &marks)?;
        metrics::gauge!("orders_consumer_position", "consumer" => C::NAME).set(last.0 as f64);
        tell_taken(&self.status, records, last);
        Ok(())
    }

    /// Notes a record that came although the group rests, such as one of a partition that was taken over just now: it
    /// waits in the ledger.
    pub(super) async fn put_by(
        self: &Arc<Self>,
        message: &BorrowedMessage<'_>,
        member: &GroupMember,
    ) -> Result<(), RunError> {
        let mut batch = Batch::default();
        self.add(&mut batch, message);
        self.note_until_noted(&batch, false).await?;
        store(member, &batch.marks)
    }

    /// Waits for a record, and takes what else is there.
    async fn collect(&self, member: &GroupMember) -> Result<Batch<C::Event>, RunError> {
        let mut batch = Batch::default();
        loop {
            match member.recv().await {
                Ok(message) => {
                    self.add(&mut batch, &message);
                    break;
                }
                Err(KafkaError::MessageConsumptionFatal(code)) => return Err(RunError::Fatal(code.to_string())),
                // The library goes on by itself: it connects again, or joins again.
                Err(error) => membership::failing(&self.status, &error),
            }
        }
        while batch.records < BATCH_RECORDS && batch.causes.len() < BATCH_CAUSES {
            // An error would come again: the next wait hears of it.
            let Some(Ok(message)) = member.recv().now_or_never() else { break };
            self.add(&mut batch, &message);
        }
        Ok(batch)
    }

    fn add(&self, batch: &mut Batch<C::Event>, message: &BorrowedMessage<'_>) {
        batch.records += 1;
        let position = crate::cloud_event::Attributes::of(message).position().unwrap_or_default();
        batch.last = batch.last.max(position);
        let mark = Mark { position, offset: message.offset() };
        batch.marks.insert((message.topic().to_owned(), message.partition()), mark);
        let Some(kind) = self.topics.kind(message.topic()) else { return };
        let started_after = self.control.borrow().started_after;
        match record::read(&*self.consumer, kind, started_after, message) {
            Record::PassedOver => {}
            Record::Wanted(cause, event) => {
                batch.causes.push(cause);
                batch.events.push(Some(event));
            }
            Record::Poison(cause) => {
                tracing::error!(
                    consumer = C::NAME,
                    position = %cause.position,
                    reason = cause.poison,
                    "an event can't be read: it is parked, and what comes later of its {} waits",
                    cause.aggregate_type
                );
                batch.causes.push(cause);
                batch.events.push(None);
            }
        }
    }

    /// Notes a batch durably, and begins the work on what is claimed by that. Gives how far offsets may pass.
    async fn note(self: &Arc<Self>, batch: Batch<C::Event>) -> Result<HashMap<(String, i32), Mark>, RunError> {
        let wanted = u32::try_from(batch.causes.len()).unwrap_or(u32::MAX).min(self.settings.in_hand);
        let places = tokio::time::timeout(ROOM_AT_MOST, Arc::clone(&self.room).acquire_many_owned(wanted)).await;
        let mut places = places.ok().and_then(Result::ok);
        let room = places.is_some() && wanted as usize >= batch.causes.len();
        let Noted { claimed, new, .. } = self.note_until_noted(&batch, room).await?;
        let poison = batch.causes.iter().filter(|cause| cause.poison.is_some()).count();
        if new < batch.causes.len() || !room || claimed.len() + poison < new {
            // Some wait that may be due already.
            self.due.notify_one();
        }
        if poison > 0 {
            metrics::counter!("orders_consumer_outcomes_total", "consumer" => C::NAME, "outcome" => "parked")
                .increment(poison as u64);
        }
        let mut events = batch.events;
        for (nth, entry) in claimed {
            let Some(event) = events.get_mut(nth).and_then(Option::take) else { continue };
            let Some(permit) = places.as_mut().and_then(|places| places.split(1)) else { continue };
            self.begin(entry, Some(event), permit);
        }
        Ok(batch.marks)
    }

    async fn note_until_noted(&self, batch: &Batch<C::Event>, room: bool) -> Result<Noted, LedgerError> {
        let claimant = Claimant { consumer: C::NAME, owner: self.tools.owner, lease: self.settings.claim_lease, room };
        let marks: Marks<'_> =
            batch.marks.iter().map(|((topic, partition), mark)| ((topic.as_str(), *partition), *mark)).collect();
        let deadline = Instant::now() + NOTE_AT_MOST;
        let mut pauses = Pauses::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            match note(&self.tools.ledger, claimant, &batch.causes, &marks).await {
                Err(error) if Instant::now() < deadline => {
                    tracing::warn!(consumer = C::NAME, %error, "events can't be noted yet");
                    tell(&self.status, ReaderState::Retrying(error.to_string()));
                    tokio::time::sleep(pauses.next()).await;
                }
                Err(error) => return Err(error),
                Ok(noted) => {
                    self.keep_held(&noted.held);
                    return Ok(noted);
                }
            }
        }
    }
}

/// Lets the group's offsets pass what is noted.
fn store(member: &GroupMember, marks: &HashMap<(String, i32), Mark>) -> Result<(), RunError> {
    for ((topic, partition), mark) in marks {
        let mut next = TopicPartitionList::new();
        next.add_partition_offset(topic, *partition, Offset::Offset(mark.offset + 1)).map_err(BrokerError::Settings)?;
        // Refused for a partition that was taken from us meanwhile: its new holder is handed the same events again, and
        // the ledger knows them.
        if let Err(error) = member.store_offsets(&next) {
            tracing::debug!(topic, partition, %error, "an offset is not ours to store any more");
        }
    }
    Ok(())
}
