//! One batch: what is written by one statement.

use super::proposal::{NewEvent, Outcome, Proposal, Rebased, StreamId, Tip};
use super::statement::Written;
use crate::log::StoredEvent;
use chrono::{DateTime, Utc};
use domain::{AggregateType, Metadata, Position, Recorded};
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use std::time::Duration;

/// The most events that a batch takes in, unless a single command has more.
const MAX_EVENTS: usize = 1_000;
/// The most payload that a batch takes in, in bytes, unless a single command has more.
const MAX_BYTES: usize = 1 << 20;
/// The most proposals that a batch takes in.
pub(super) const MAX_PROPOSALS: usize = 1_024;

/// Proposals that follow on each other, in the order in which they are written.
pub(super) struct Batch {
    pub(super) proposals: Vec<Box<dyn Proposal>>,
}

impl Batch {
    /// Takes proposals off `gathered` up to the bounds, deciding again those that another of the batch overtook. What
    /// does not fit goes to `held_over`, in order.
    pub(super) fn arrange(gathered: &mut Vec<Box<dyn Proposal>>, held_over: &mut Vec<Box<dyn Proposal>>) -> Self {
        let mut arranging = Arranging::default();
        let mut waiting = gathered.drain(..);
        for proposal in waiting.by_ref() {
            if let Some(proposal) = arranging.take(proposal) {
                held_over.push(proposal);
                break;
            }
        }
        held_over.extend(waiting);
        held_over.extend(arranging.same_key);
        Self { proposals: arranging.taken }
    }

    pub(super) fn event_count(&self) -> u64 {
        self.proposals.iter().map(|proposal| proposal.prepared().events.len() as u64).sum()
    }

    /// Whether no proposal has an event or a key to write.
    pub(super) fn writes_nothing(&self) -> bool {
        self.proposals.iter().all(|proposal| {
            let prepared = proposal.prepared();
            prepared.events.is_empty() && prepared.answer.is_none()
        })
    }

    /// Settles proposals that turned out to change nothing.
    pub(super) fn settle_unwritten(self) {
        let nowhere = Outcome::committed_at(Position::ORIGIN, Duration::ZERO);
        self.settle_all(|| nowhere.clone());
    }

    /// Settles all alike.
    pub(super) fn settle_all(self, outcome: impl Fn() -> Outcome) {
        for proposal in self.proposals {
            proposal.settle(outcome());
        }
    }

    /// Tells everyone where their events stand; gives back the events as they stand on disk, and whether some are of
    /// products.
    pub(super) fn settle_written(self, written: &Written, database: Duration) -> (Vec<StoredEvent>, bool) {
        let mut stored = Vec::new();
        let mut position = written.last_position;
        let mut products_changed = false;
        for mut proposal in self.proposals {
            let stream = proposal.stream().clone();
            let prepared = proposal.prepared_mut();
            let mut sequence = prepared.based_on;
            for event in prepared.events.drain(..) {
                position.0 += 1;
                sequence += 1;
                let place = Place { position, sequence, recorded_at: written.recorded_at };
                stored.push(just_appended(&stream, place, event, &prepared.metadata, &prepared.metadata_json));
            }
            products_changed |= sequence > prepared.based_on && stream.kind == AggregateType::Product;
            proposal.settle(Outcome::committed_at(position, database));
        }
        (stored, products_changed)
    }
}

struct Place {
    position: Position,
    sequence: u64,
    recorded_at: DateTime<Utc>,
}

/// The event as a reader would find it, decoded already: what this process wrote it need not read again.
fn just_appended(
    stream: &StreamId,
    place: Place,
    new: NewEvent,
    metadata: &Metadata,
    metadata_json: &str,
) -> StoredEvent {
    let NewEvent { event_id, event, event_type, event_version, payload } = new;
    let Place { position, sequence, recorded_at } = place;
    let recorded = Recorded {
        position,
        event_id,
        aggregate_id: stream.id.to_string(),
        sequence,
        recorded_at,
        metadata: metadata.clone(),
        event,
    };
    StoredEvent {
        position,
        event_id,
        aggregate_type: stream.kind.as_str().to_owned(),
        aggregate_id: stream.id.to_string(),
        sequence,
        event_type: event_type.to_owned(),
        event_version: event_version.to_owned(),
        payload,
        metadata: metadata_json.to_owned(),
        recorded_at,
        decoded: OnceLock::from(Ok(Box::new(recorded))),
    }
}

#[derive(Default)]
struct Arranging {
    taken: Vec<Box<dyn Proposal>>,
    tips: HashMap<StreamId, (u64, Tip)>,
    keys: HashSet<[u8; 32]>,
    /// A key can be written once: the second of a batch waits for the first's outcome.
    same_key: Vec<Box<dyn Proposal>>,
    events: usize,
    bytes: usize,
}

impl Arranging {
    /// Takes a proposal in, or gives it back when the batch is full.
    fn take(&mut self, mut proposal: Box<dyn Proposal>) -> Option<Box<dyn Proposal>> {
        if self.is_key_taken(&*proposal) {
            self.same_key.push(proposal);
            return None;
        }
        if let Some((version, tip)) = self.tips.get(proposal.stream())
            && *version != proposal.prepared().based_on
        {
            match proposal.rebase(tip) {
                Rebased::Ready => {}
                Rebased::Refused => {
                    proposal.settle(Outcome::Overtaken);
                    return None;
                }
            }
        }
        if self.is_full(&*proposal) {
            return Some(proposal);
        }
        self.count(&*proposal);
        self.taken.push(proposal);
        None
    }

    fn is_key_taken(&self, proposal: &dyn Proposal) -> bool {
        proposal.prepared().answer.as_ref().is_some_and(|answer| self.keys.contains(&answer.key_digest))
    }

    fn is_full(&self, proposal: &dyn Proposal) -> bool {
        let (events, bytes) = size_of(proposal);
        !self.taken.is_empty() && (self.events + events > MAX_EVENTS || self.bytes + bytes > MAX_BYTES)
    }

    fn count(&mut self, proposal: &dyn Proposal) {
        let (events, bytes) = size_of(proposal);
        self.events += events;
        self.bytes += bytes;
        let prepared = proposal.prepared();
        self.keys.extend(prepared.answer.as_ref().map(|answer| answer.key_digest));
        let version = prepared.based_on + events as u64;
        self.tips.insert(proposal.stream().clone(), (version, proposal.tip()));
    }
}

fn size_of(proposal: &dyn Proposal) -> (usize, usize) {
    let prepared = proposal.prepared();
    let of_events: usize = prepared.events.iter().map(|event| event.payload.len() + prepared.metadata_json.len()).sum();
    let of_answer = prepared.answer.as_ref().map_or(0, |answer| answer.body.len());
    (prepared.events.len(), of_events + of_answer)
}
