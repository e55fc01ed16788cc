//! One batch: what is written by one statement.

use super::proposal::{Outcome, Proposal, Rebased, StreamId, Tip};
use super::statement::Written;
use crate::log::StoredEvent;
use crate::trace;
use domain::{AggregateType, Position};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tracing::Span;

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
    /// Takes proposals off the front of `gathered`, up to the bounds, deciding again those that another overtook, of
    /// this batch or of the one before. What does not fit stays, in order and as it came: what follows on this batch
    /// holds only once it is written.
    pub(super) fn arrange(gathered: &mut Vec<Box<dyn Proposal>>) -> Self {
        let mut arranging = Arranging::default();
        let mut waiting = std::mem::take(gathered).into_iter();
        while let Some(proposal) = waiting.next() {
            if arranging.is_full(&*proposal) {
                gathered.push(proposal);
                gathered.extend(waiting);
                break;
            }
            arranging.take(proposal);
        }
        Self { proposals: arranging.taken }
    }

    pub(super) fn event_count(&self) -> u64 {
        self.proposals.iter().map(|proposal| proposal.prepared().events.len() as u64).sum()
    }

    /// A span of its own for the statement that writes it, and each command's way into it. A batch belongs to no one
    /// request: they name each other.
    pub(super) fn span(&self) -> Span {
        let (commands, events) = (self.proposals.len(), self.event_count());
        let span = tracing::info_span!(target: trace::TARGET, parent: None, "append batch", commands, events);
        if !span.is_disabled() {
            let exported = self.proposals.iter().map(|proposal| proposal.span()).filter(|own| trace::is_exported(own));
            for (nth, own) in exported.enumerate() {
                trace::links(own, &span);
                if nth < trace::MAX_LINKS {
                    trace::links(&span, own);
                }
            }
        }
        span
    }

    /// The streams that it writes to.
    pub(super) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.proposals.iter().map(|proposal| proposal.stream().clone())
    }

    /// Two batches, each in order, or nothing if there is but one proposal.
    pub(super) fn halves(mut self) -> Result<(Self, Self), Self> {
        match self.proposals.len() / 2 {
            0 => Err(self),
            half => {
                let second = self.proposals.split_off(half);
                Ok((self, Self { proposals: second }))
            }
        }
    }

    /// Settles all alike.
    pub(super) fn settle_all(self, outcome: &Outcome) {
        for proposal in self.proposals {
            proposal.settle(outcome.clone());
        }
    }

    /// What was written, as it stands on disk.
    pub(super) fn committed(self, written: &Written) -> Committed {
        let mut committed = Committed { head: written.last_position, ..Committed::default() };
        for mut proposal in self.proposals {
            let is_of_catalogue = matches!(proposal.stream().kind, AggregateType::Product | AggregateType::Category);
            for event in std::mem::take(&mut proposal.prepared_mut().events) {
                committed.head.0 += 1;
                committed.catalogue_changed |= is_of_catalogue;
                committed.events.push(Arc::new(event.written(committed.head, written.recorded_at)));
            }
            committed.proposals.push((proposal, committed.head));
        }
        committed
    }
}

/// A batch that is on disk.
#[derive(Default)]
pub(super) struct Committed {
    /// Its events as a reader would find them.
    pub(super) events: Vec<Arc<StoredEvent>>,
    /// Its last position.
    pub(super) head: Position,
    /// Whether some of its events are of products or categories.
    pub(super) catalogue_changed: bool,
    /// Each with the log's position behind it: a reader who is there finds what it is about.
    proposals: Vec<(Box<dyn Proposal>, Position)>,
}

impl Committed {
    /// Tells everyone where their events stand.
    pub(super) fn settle(self, database: Duration) {
        for (proposal, position) in self.proposals {
            proposal.settle(Outcome::Committed { position, database });
        }
    }
}

#[derive(Default)]
struct Arranging {
    taken: Vec<Box<dyn Proposal>>,
    tips: HashMap<StreamId, (u64, Tip)>,
    events: usize,
    bytes: usize,
}

impl Arranging {
    /// Whether there is no room for this one. By its size as it came: decided again, it may differ by a little.
    fn is_full(&self, proposal: &dyn Proposal) -> bool {
        let (events, bytes) = size_of(proposal);
        !self.taken.is_empty() && (self.events + events > MAX_EVENTS || self.bytes + bytes > MAX_BYTES)
    }

    fn take(&mut self, mut proposal: Box<dyn Proposal>) {
        // What changes nothing has read its truth from the log, whatever came since: it is here for its key alone.
        if proposal.prepared().events.is_empty() {
            self.bytes += size_of(&*proposal).1;
            self.taken.push(proposal);
            return;
        }
        if let Some(tip) = self.tip_ahead_of(&*proposal) {
            // Whose deciding panics gets it back too: it will panic where its own client waits, and nowhere else.
            let rebased = catch_unwind(AssertUnwindSafe(|| proposal.rebase(&tip)));
            if !matches!(rebased, Ok(Rebased::Ready)) {
                proposal.settle(Outcome::NotHere);
                return;
            }
        }
        let (events, bytes) = size_of(&*proposal);
        self.events += events;
        self.bytes += bytes;
        let version = proposal.prepared().based_on + events as u64;
        self.tips.insert(proposal.stream().clone(), (version, proposal.tip()));
        self.taken.push(proposal);
    }

    /// What the proposal has to follow on, if it was decided on something else: what another of the batch leaves, or
    /// what the batch before left while this one was decided.
    fn tip_ahead_of(&self, proposal: &dyn Proposal) -> Option<Tip> {
        let based_on = proposal.prepared().based_on;
        match self.tips.get(proposal.stream()) {
            Some((version, tip)) => (*version != based_on).then(|| Arc::clone(tip)),
            None => proposal.newest_known().filter(|(version, _)| *version > based_on).map(|(_, tip)| tip),
        }
    }
}

fn size_of(proposal: &dyn Proposal) -> (usize, usize) {
    let prepared = proposal.prepared();
    let of_events: usize = prepared.events.iter().map(|event| event.payload.len() + event.metadata.len()).sum();
    let of_answer = prepared.answer.as_ref().map_or(0, |answer| answer.body.len());
    (prepared.events.len(), of_events + of_answer)
}

#[cfg(test)]
mod tests {
    use super::super::proposal::{KeptAnswer, Prepared};
    use super::*;
    use domain::AggregateType;
    use std::sync::Mutex;
    use tracing::Span;

    /// A success that changes nothing and has a key, of an order that others change all the while.
    struct AlreadySo {
        stream: StreamId,
        prepared: Prepared,
        span: Span,
        settled: Arc<Mutex<Vec<Outcome>>>,
    }

    impl Proposal for AlreadySo {
        fn stream(&self) -> &StreamId {
            &self.stream
        }
        fn prepared(&self) -> &Prepared {
            &self.prepared
        }
        fn prepared_mut(&mut self) -> &mut Prepared {
            &mut self.prepared
        }
        fn span(&self) -> &Span {
            &self.span
        }
        fn newest_known(&self) -> Option<(u64, Tip)> {
            Some((self.prepared.based_on + 1, Arc::new(())))
        }
        fn tip(&self) -> Tip {
            Arc::new(())
        }
        fn rebase(&mut self, _tip: &Tip) -> Rebased {
            Rebased::NotHere
        }
        fn settle(self: Box<Self>, outcome: Outcome) {
            self.settled.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
        }
    }

    #[test]
    fn what_changes_nothing_is_not_thrown_back_for_a_newer_state() {
        let settled = Arc::new(Mutex::new(Vec::new()));
        let mut gathered: Vec<Box<dyn Proposal>> = Vec::new();
        for key in [1, 2] {
            let answer = KeptAnswer {
                key_digest: [key; 32],
                request_digest: [key; 32],
                status: 200,
                location: None,
                etag: None,
                body: String::new(),
                ordered: None,
            };
            gathered.push(Box::new(AlreadySo {
                stream: StreamId { kind: AggregateType::Order, id: "one".into() },
                prepared: Prepared { based_on: 3, events: Vec::new(), answer: Some(answer) },
                span: Span::none(),
                settled: Arc::clone(&settled),
            }));
        }
        let batch = Batch::arrange(&mut gathered);
        assert_eq!((batch.proposals.len(), batch.event_count(), gathered.len()), (2, 0, 0));
        assert!(settled.lock().is_ok_and(|settled| settled.is_empty()));
    }
}
