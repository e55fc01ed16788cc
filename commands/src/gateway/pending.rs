//! A decided command on its way through the log.

use super::prepare::{Decided, Verdict, prepare};
use super::snapshot::States;
use super::{Answer, Snapshot, Submission};
use crate::aggregate::Aggregate;
use crate::log::{Outcome, Prepared, Proposal, Rebased, StreamId, Tip};
use domain::Prices;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::Span;

pub(super) struct Pending<A: Aggregate> {
    pub submission: Arc<Submission<A>>,
    pub prices: Prices,
    pub decided: Box<Decided<A>>,
    pub states: Arc<States>,
    pub reply: oneshot::Sender<Settled>,
    /// Of this command, from being handed in to being settled.
    pub span: Span,
}

/// What the gateway hears back.
pub(super) struct Settled {
    pub outcome: Outcome,
    pub answer: Answer,
}

impl<A: Aggregate> Proposal for Pending<A> {
    fn stream(&self) -> &StreamId {
        &self.decided.stream
    }

    fn prepared(&self) -> &Prepared {
        &self.decided.prepared
    }

    fn prepared_mut(&mut self) -> &mut Prepared {
        &mut self.decided.prepared
    }

    fn span(&self) -> &Span {
        &self.span
    }

    fn newest_known(&self) -> Option<(u64, Tip)> {
        let known = self.states.get::<A>(&self.decided.stream)?;
        Some((known.version, known as Tip))
    }

    fn tip(&self) -> Tip {
        Arc::clone(&self.decided.after) as Tip
    }

    fn rebase(&mut self, tip: &Tip) -> Rebased {
        let Ok(before) = Arc::clone(tip).downcast::<Snapshot<A>>() else { return Rebased::NotHere };
        match prepare(&self.submission, &before, &self.prices) {
            Verdict::Accepted(decided) if !decided.prepared.events.is_empty() => {
                self.decided = decided;
                Rebased::Ready
            }
            Verdict::Accepted(_) | Verdict::Refused(_) => Rebased::NotHere,
        }
    }

    fn settle(self: Box<Self>, outcome: Outcome) {
        let Self { decided, states, reply, .. } = *self;
        let Decided { stream, prepared, mut after, answer } = *decided;
        match &outcome {
            Outcome::Committed { position, .. } => {
                // A success without events left the state to whoever wrote it.
                if after.version > prepared.based_on {
                    Arc::make_mut(&mut after).position = *position;
                    states.keep(stream, after);
                }
            }
            Outcome::NotHere => {}
            // Whatever happened, what it was decided on may be behind.
            Outcome::Overtaken
            | Outcome::KeyTaken
            | Outcome::Unavailable(_)
            | Outcome::NotStorable(_)
            | Outcome::Unknown => states.forget::<A>(&stream, prepared.based_on),
        }
        // The command's task may be gone with the runtime; then nobody waits.
        let _ = reply.send(Settled { outcome, answer });
    }
}
