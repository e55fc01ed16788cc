//! What the log is asked to append, and what becomes of it.

use crate::idempotency::OrderedLines;
use crate::log::StoredEvent;
use domain::{AggregateType, Position};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tracing::Span;

/// Which aggregate's events: its kind and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StreamId {
    pub kind: AggregateType,
    pub id: Arc<str>,
}

/// The state that a stream has after the proposals so far; the aggregate's own `Snapshot` inside.
pub(crate) type Tip = Arc<dyn Any + Send + Sync>;

/// Events decided for one stream, and how to decide them anew.
///
/// The log knows nothing of orders and products: it orders, writes and tells.
pub(crate) trait Proposal: Send + Sync {
    /// The aggregate that it is about.
    fn stream(&self) -> &StreamId;
    /// What is to be written.
    fn prepared(&self) -> &Prepared;
    /// What is to be written, to be taken out once it is.
    fn prepared_mut(&mut self) -> &mut Prepared;
    /// What is exported of its way through the log.
    fn span(&self) -> &Span;
    /// The newest state of its stream that this process knows to be on disk, with its version.
    fn newest_known(&self) -> Option<(u64, Tip)>;
    /// The state that it leaves.
    fn tip(&self) -> Tip;
    /// Decides again on the state that it has to follow on.
    fn rebase(&mut self, tip: &Tip) -> Rebased;
    /// Tells whoever waits for it. Called once.
    fn settle(self: Box<Self>, outcome: Outcome);
}

/// What came of deciding again before the batch is written.
#[must_use]
pub(crate) enum Rebased {
    /// [`Proposal::prepared`] follows on the given state now.
    Ready,
    /// It would be refused, or change nothing. That is for the gateway to find out, at the head: the batch itself may
    /// still fail.
    NotHere,
}

/// What a proposal writes.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The version that the first event follows on.
    pub based_on: u64,
    /// May be empty: a success that changes nothing, whose key is to be kept.
    pub events: Vec<StoredEvent>,
    /// The answer to keep under the request's key.
    pub answer: Option<KeptAnswer>,
}

/// An answer kept under an idempotency key.
#[derive(Debug, Clone)]
pub(crate) struct KeptAnswer {
    pub key_digest: [u8; 32],
    pub request_digest: [u8; 32],
    pub status: u16,
    pub location: Option<String>,
    pub etag: Option<String>,
    pub body: String,
    pub ordered: Option<OrderedLines>,
}

/// What became of a proposal.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It is on disk.
    Committed {
        /// The position of its last event; without events, one at which the log holds what it is about.
        position: Position,
        /// How long the database took for the whole batch.
        database: Duration,
    },
    /// Nothing of it was written, as another came first: decide again at the head.
    Overtaken,
    /// Nothing of it was written: decided on what others in line before it leave, it comes to something that is not for
    /// a batch. Decide again at the head; what it was decided on at first is no older than it was.
    NotHere,
    /// Nothing of it was written, as its key is taken: look at the answer kept there.
    KeyTaken,
    /// Nothing of it was written, as the database is away or refuses.
    Unavailable(String),
    /// Nothing of it was written: the database refuses what it carries, and will refuse it for ever.
    NotStorable(String),
    /// The reply to the commit was lost, and whether it is on disk could not be found out.
    Unknown,
}
