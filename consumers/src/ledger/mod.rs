//! The ledger: what became of each effect that an event calls for, per consumer, event and recipient.
//!
//! An effect is claimed before it is tried and marked as being sent before it begins, each in PostgreSQL; so whoever
//! comes after a crash knows whether it may be tried again. Every change is a compare-and-set on state and owner.
//!
//! An entry waits while an earlier one of the same consumer and aggregate is claimed, sending, waiting or parked; not
//! when that is `unknown`: a lost reply must not hold up what comes after it.

mod ask;
pub(crate) mod control;
pub(crate) mod due;
pub(crate) mod groups;
pub(crate) mod held;
pub(crate) mod intake;
pub(crate) mod members;
pub(crate) mod moves;
pub(crate) mod open;
mod overview;
pub(crate) mod writer;

pub use ask::{Effect, effects_of, states_of};
pub use overview::{ConsumerOverview, overview};

use commands::db;
use domain::Position;
use domain::ids::EventId;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How many connections one consumer has for its ledger: the statements of its intake, clock and writer.
const CONNECTIONS: u32 = 3;
/// How long a statement waits for one of them.
const ACQUIRE_AT_MOST: Duration = Duration::from_secs(5);
/// How long a statement may take. A server that is frozen, or a host that is gone, keeps a connection open and says
/// nothing.
const STATEMENT_AT_MOST: Duration = Duration::from_secs(10);

/// The connections on which a consumer's ledger is kept.
///
/// Each statement looks up a few hundred rows by index. A session keeps the plan that it made when it began, and for a
/// ledger that was empty then that is a scan of the table: ruinous when the ledger has grown.
pub(crate) fn connections(pool: &PgPool) -> PgPool {
    let options = pool.connect_options().as_ref().clone().options([
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
    ]);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_AT_MOST)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Carries out a statement on the ledger, within a bound.
pub(crate) async fn within_bounds<T>(
    pool: &PgPool,
    statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, LedgerError> {
    db::work(pool, STATEMENT_AT_MOST, statement).await.map_err(LedgerError::Sql)
}

/// Why the ledger can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// PostgreSQL is away or refuses.
    #[error("the consumers' ledger in PostgreSQL can't be reached: {0}")]
    Sql(#[from] sqlx::Error),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] commands::LogError),
    /// The task that writes it has ended.
    #[error("the consumers' ledger is closed: this process is stopping")]
    Closed,
}

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Somebody is about to try it, under a lease.
    Claimed,
    /// It is being tried: from here on a lost reply is `Unknown`.
    Sending,
    /// Done.
    Sent,
    /// To be tried, or tried again, at its time.
    Waiting,
    /// Refused for good, or too often; needs a person.
    Parked,
    /// The last reply was lost: done or not; needs a person.
    Unknown,
    /// A person decided against it.
    Discarded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Claimed, Self::Sending, Self::Sent, Self::Waiting, Self::Parked, Self::Unknown, Self::Discarded];

    /// The name as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Unknown => "unknown",
            Self::Discarded => "discarded",
        }
    }

    /// The state of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// An effect that this process has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub id: i64,
    pub event_id: EventId,
    pub recipient: Uuid,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: u64,
    pub position: Position,
    /// How often it was tried; from 0 again when a person has one tried again that was parked or unknown. `tries`
    /// counts all.
    pub attempts: u32,
}

/// Of how many attempts that did not end well the answers are kept, for each entry: the newest.
pub(crate) const KEPT_ATTEMPTS: i32 = 20;

/// Which states hold later entries of their aggregate. As in the partial index `consumer_ledger_open`.
pub(crate) const OPEN: &str = "('claimed', 'sending', 'waiting', 'parked')";
