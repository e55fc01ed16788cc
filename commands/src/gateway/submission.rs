//! What goes into the gateway, and what comes out.

use super::Snapshot;
use crate::aggregate::Aggregate;
use crate::idempotency::{self, IdempotencyKey};
use chrono::{DateTime, Utc};
use domain::Position;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// How many aggregates' states are kept in memory.
    pub kept_states: usize,
    /// How often a command is decided before it is given up as contended.
    pub max_attempts: u32,
    /// How long a duplicate waits for the first command with its key to end.
    pub duplicate_waits: Duration,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self { kept_states: 4_096, max_attempts: 12, duplicate_waits: idempotency::WAIT_AT_MOST }
    }
}

/// A command, and all that belongs to it.
pub struct Submission<A: Aggregate> {
    /// The aggregate's id: an order's UUID, a product's sku.
    pub id: String,
    /// What is asked.
    pub command: A::Command,
    /// The id was made for this command, so nothing can stand under it yet and nothing need be loaded.
    pub fresh_id: bool,
    /// The version that the client saw (`If-Match`): another one is refused.
    pub expected_version: Option<u64>,
    /// Who asks, when, and what it belongs to.
    pub context: Context,
    /// The request's idempotency key.
    pub key: Option<IdempotencyKey>,
    /// Renders the answer.
    pub answer: AnswerFn<A>,
    /// What the caller was let in by, if anything. Kept until the command has come to its end: whoever hangs up would
    /// else make room for another command while this one is still under way.
    pub admission: Option<Admission>,
}

/// A share of something bounded, given back when it is dropped.
pub type Admission = Arc<dyn Any + Send + Sync>;

/// Renders the whole resource as the answer. Called before the commit, and again when the command is decided again.
pub type AnswerFn<A> = Arc<dyn Fn(&Snapshot<A>) -> Answer + Send + Sync>;

/// Who asks, when, and what it belongs to: the metadata of the events.
#[derive(Debug, Clone)]
pub struct Context {
    /// An API key's id, or the system's own name for itself.
    pub actor: String,
    /// What all that one request leads to has in common.
    pub correlation_id: String,
    /// The event or request that led to this command.
    pub causation_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The customer's language (BCP 47).
    pub locale: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// An answer as it is given, and kept under the request's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's status code.
    pub status: u16,
    /// Where the resource is, if it is new.
    pub location: Option<String>,
    /// Its version, as an entity tag.
    pub etag: Option<String>,
    /// The resource as JSON.
    pub body: String,
}

/// A command that was carried out, now or before.
#[derive(Debug, Clone)]
pub struct Done {
    /// The answer.
    pub answer: Answer,
    /// The position of the command's last event; for a success without events, one at which the log holds what the
    /// answer tells.
    pub position: Position,
    /// Whether it was carried out before, under the same key.
    pub replayed: bool,
    /// Where the time went.
    pub timing: Timing,
}

/// Where a command's time went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// Loading and deciding.
    pub decide: Duration,
    /// From handing in to being written, waiting for the batch before included.
    pub append: Duration,
    /// Of that, what the database took for the whole batch.
    pub database: Duration,
}
