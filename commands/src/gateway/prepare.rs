//! From a command and a state to what is to be written. Pure but for the new event ids.

use super::{Answer, CommandError, Snapshot, Submission};
use crate::aggregate::Aggregate;
use crate::log::{CommandMetadata, KeptAnswer, Prepared, StoredEvent, StreamId};
use domain::{Decision, Metadata, Prices};
use std::sync::Arc;

/// What came of deciding.
pub(super) enum Verdict<A: Aggregate> {
    /// To be written, though there may be nothing to write.
    Accepted(Box<Decided<A>>),
    /// Refused on this state; final only at the head.
    Refused(CommandError<A>),
}

impl<A: Aggregate> Verdict<A> {
    /// Whether the append will check the state that this was decided on. Nothing checks it for what changes nothing, a
    /// refusal or a success without events: that is final only when it was decided at the head.
    pub(super) fn is_checked_by_append(&self) -> bool {
        matches!(self, Self::Accepted(decided) if !decided.prepared.events.is_empty())
    }
}

/// A command decided on one state.
pub(super) struct Decided<A: Aggregate> {
    /// The aggregate that it is about.
    pub stream: StreamId,
    pub prepared: Prepared,
    /// The state that it leaves.
    pub after: Arc<Snapshot<A>>,
    /// The answer if it is written.
    pub answer: Answer,
}

/// Decides `submission` on the state `before` at `prices`.
pub(super) fn prepare<A: Aggregate>(
    submission: &Submission<A>,
    before: &Arc<Snapshot<A>>,
    prices: &Prices,
) -> Verdict<A> {
    if submission.expected_version.is_some_and(|expected| before.version > 0 && expected != before.version) {
        return Verdict::Refused(CommandError::VersionMismatch { current: Arc::clone(before) });
    }
    match before.state.decide(&submission.command, prices) {
        Decision::Rejected(rejection) => {
            Verdict::Refused(CommandError::Rejected { rejection, current: Arc::clone(before) })
        }
        Decision::AlreadySo => Verdict::Accepted(Box::new(accept(submission, before, Arc::clone(before), Vec::new()))),
        Decision::Events(events) => {
            let occurred_at = submission.context.occurred_at;
            let after =
                events.iter().fold(Snapshot::clone(before), |snapshot, event| snapshot.evolve(event, occurred_at));
            Verdict::Accepted(Box::new(accept(submission, before, Arc::new(after), events)))
        }
    }
}

fn accept<A: Aggregate>(
    submission: &Submission<A>,
    before: &Snapshot<A>,
    after: Arc<Snapshot<A>>,
    events: Vec<A::Event>,
) -> Decided<A> {
    let answer = (submission.answer)(&after);
    let stream = StreamId { kind: A::KIND, id: submission.id.as_str().into() };
    let metadata = CommandMetadata::from(metadata(submission));
    let proposed = (before.version + 1..)
        .zip(events)
        .map(|(sequence, event)| StoredEvent::proposed(&stream, sequence, &metadata, event.into()))
        .collect();
    let prepared = Prepared {
        based_on: before.version,
        events: proposed,
        answer: submission.key.as_ref().map(|key| KeptAnswer {
            key_digest: key.digest,
            request_digest: key.request_digest,
            status: answer.status,
            location: answer.location.clone(),
            etag: answer.etag.clone(),
            body: answer.body.clone(),
            ordered: key.ordered.clone(),
        }),
    };
    Decided { stream, prepared, after, answer }
}

fn metadata<A: Aggregate>(submission: &Submission<A>) -> Metadata {
    let context = submission.context.clone();
    Metadata {
        occurred_at: context.occurred_at,
        actor: context.actor,
        correlation_id: context.correlation_id,
        causation_id: context.causation_id,
        traceparent: context.traceparent,
        locale: context.locale,
    }
}
