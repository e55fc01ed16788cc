//! Going back in a partition, as a person asked for.
//!
//! The instruction names a position of the log. Which offset that is, the partition itself tells: positions grow along
//! it, so it is found by bisection. Then the member goes there, commits that offset, and ends the instruction; a crash
//! before that repeats it, and the ledger knows whatever is handed over twice. Never forward: where the group has gone
//! back further meanwhile, the instruction means nothing any more.

use super::membership::GroupMember;
use super::{Member, RunError};
use crate::cloud_event::Attributes;
use crate::consumer::Consumer;
use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use crate::ledger::control::{self, Rewind};
use domain::Position;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

const POLL_STEP: Duration = Duration::from_millis(100);

impl<C: Consumer> Member<C> {
    /// Goes back in those of these partitions that this member holds.
    pub(super) async fn go_back(&self, member: &Arc<GroupMember>, rewinds: &[Rewind]) -> Result<(), RunError> {
        let (ledger, held) = (&self.tools.ledger, self.holds());
        let is_ours = |rewind: &&Rewind| held.contains(&(rewind.topic.clone(), rewind.partition));
        let ours: Vec<Rewind> = rewinds.iter().filter(is_ours).cloned().collect();
        if self.kafka.embedded {
            // It may have forgotten what is asked for: the relay publishes it anew, and ends the instructions.
            if !ours.is_empty() {
                control::leave_to_relay(ledger, C::NAME).await?;
            }
            return Ok(());
        }
        for rewind in &ours {
            if !control::still_stands(ledger, C::NAME, rewind).await? {
                continue;
            }
            let (kafka, member, to) = (self.kafka.clone(), Arc::clone(member), rewind.clone());
            let went = tokio::task::spawn_blocking(move || go_to(&kafka, &member, &to)).await;
            let Some(place) = went.map_err(|error| RunError::Fatal(error.to_string()))?? else {
                tracing::debug!(
                    consumer = C::NAME,
                    ?rewind,
                    "the partition is given to somebody else: the instruction stands"
                );
                continue;
            };
            control::went_back(ledger, C::NAME, rewind, place.offset()).await?;
            // What is handed over from here on is within its time, also where the instruction was withdrawn meanwhile.
            self.control.send_modify(|now| now.started_after = now.started_after.min(rewind.position));
            let (topic, partition, position) = (&rewind.topic, rewind.partition, rewind.position);
            match place {
                Place::WentTo(offset) => tracing::info!(
                    consumer = C::NAME,
                    topic,
                    partition,
                    offset,
                    "the group goes back behind position {position}, as a person asked for"
                ),
                Place::WasBefore(_) => tracing::info!(
                    consumer = C::NAME,
                    topic,
                    partition,
                    "the group is not beyond position {position} any more: it was handed nothing that it could go back to"
                ),
            }
        }
        Ok(())
    }
}

/// What is to be done for an instruction, by the first offset behind its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The member goes on from there.
    WentTo(i64),
    /// The group is there, or was not that far: nothing was done.
    WasBefore(i64),
}

impl Place {
    const fn offset(self) -> i64 {
        match self {
            Self::WentTo(offset) | Self::WasBefore(offset) => offset,
        }
    }
}

/// Has the member go on behind a position, if it is beyond that. `None` where the partition is not the member's any
/// more: whoever is given it goes back, and that may be this member again.
fn go_to(kafka: &KafkaSettings, member: &GroupMember, to: &Rewind) -> Result<Option<Place>, BrokerError> {
    let next = first_behind(kafka, &to.topic, to.partition, to.position)?;
    match move_to(member, to, next) {
        Ok(place) => Ok(Some(place)),
        Err(error) if is_rebalanced(&error) || !is_held(member, to) => Ok(None),
        Err(error) => Err(unreachable_at(kafka, &error)),
    }
}

fn move_to(member: &GroupMember, to: &Rewind, next: i64) -> Result<Place, KafkaError> {
    if stands_at(member, to)? <= next {
        return Ok(Place::WasBefore(next));
    }
    seek(member, to, next)?;
    Ok(Place::WentTo(next))
}

/// Whether Kafka refuses the member as the group's partitions are being given out anew. It hears of that by asking for
/// records, and is no less a member for it.
fn is_rebalanced(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::RebalanceInProgress
                | RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::AssignmentLost
        )
    )
}

fn is_held(member: &GroupMember, to: &Rewind) -> bool {
    member.assignment().is_ok_and(|held| held.find_partition(&to.topic, to.partition).is_some())
}

/// The offset from which on the group is handed a partition now; 0 before its first record. By Kafka, and not by what
/// is kept in PostgreSQL: the group's offsets may have been set by other tools, or by a member that was killed right
/// behind that.
fn stands_at(member: &GroupMember, to: &Rewind) -> Result<i64, KafkaError> {
    // What was noted within the last second is committed only now.
    match member.commit_consumer_state(CommitMode::Sync) {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => return Err(error),
    }
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&to.topic, to.partition);
    let committed = member.committed_offsets(asked, ASK_AT_MOST)?;
    let mut at = 0;
    for place in committed.elements() {
        place.error()?;
        if let Offset::Offset(offset) = place.offset() {
            at = offset;
        }
    }
    Ok(at)
}

/// Has the member go on from an offset, and the group with it.
fn seek(member: &GroupMember, to: &Rewind, next: i64) -> Result<(), KafkaError> {
    member.seek(&to.topic, to.partition, Offset::Offset(next), ASK_AT_MOST)?;
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(&to.topic, to.partition, Offset::Offset(next))?;
    // Else what was stored before would be committed at the next beat.
    member.store_offsets(&place)?;
    fail::fail_point!("offset_commit.before");
    member.commit(&place, CommitMode::Sync)?;
    fail::fail_point!("offset_commit.after");
    Ok(())
}

fn unreachable_at(kafka: &KafkaSettings, fault: &dyn std::fmt::Display) -> BrokerError {
    BrokerError::Unreachable { brokers: kafka.brokers.clone(), fault: fault.to_string() }
}

/// The offset from which on every event of a partition stands behind `position`; the partition's end where none does.
fn first_behind(kafka: &KafkaSettings, topic: &str, partition: i32, position: Position) -> Result<i64, BrokerError> {
    let mut config = kafka.consumer(&kafka.group("rewind"))?;
    config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
    let reader = BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
    let watermarks = reader.fetch_watermarks(topic, partition, ASK_AT_MOST);
    let (mut low, mut high) = watermarks.map_err(|error| unreachable_at(kafka, &error))?;
    while low < high {
        let middle = low + (high - low) / 2;
        match event_from(kafka, &reader, topic, partition, middle)? {
            Some((offset, found)) if found <= position => low = offset + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first event of a partition from an offset on: where it is, and where in the log.
fn event_from(
    kafka: &KafkaSettings,
    reader: &BaseConsumer<Quiet>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<Option<(i64, Position)>, BrokerError> {
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(topic, partition, Offset::Offset(offset)).map_err(BrokerError::Settings)?;
    reader.assign(&place).map_err(BrokerError::Settings)?;
    let deadline = Instant::now() + ASK_AT_MOST;
    loop {
        match reader.poll(POLL_STEP) {
            Some(Ok(message)) if message.offset() >= offset => {
                // What is no event of ours has no place in the log.
                if let Some(position) = Attributes::of(&message).position() {
                    return Ok(Some((message.offset(), position)));
                }
            }
            Some(Ok(_)) => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(error)) => return Err(unreachable_at(kafka, &error)),
            None if Instant::now() > deadline => {
                return Err(unreachable_at(kafka, &format_args!("no answer within {} s", ASK_AT_MOST.as_secs())));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_to_join_again_does_not_take_kafka_for_away() {
        let refused = |code| is_rebalanced(&KafkaError::ConsumerCommit(code));
        for code in [
            RDKafkaErrorCode::RebalanceInProgress,
            RDKafkaErrorCode::IllegalGeneration,
            RDKafkaErrorCode::UnknownMemberId,
            RDKafkaErrorCode::AssignmentLost,
        ] {
            assert!(refused(code), "{code:?}");
        }
        for code in [RDKafkaErrorCode::BrokerTransportFailure, RDKafkaErrorCode::RequestTimedOut] {
            assert!(!refused(code), "{code:?}");
        }
    }
}
