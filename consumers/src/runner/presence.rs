//! Saying that one is there: as long as a consumer is run at all, also while it can't join its group or waits to be
//! started again. So people are told why it is not at work, and not that nobody runs it.

use super::membership::Holds;
use crate::ledger::{LedgerError, members};
use crate::status::{ReaderState, ReaderStatus};
use commands::instances;
use sqlx::PgPool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is said.
const SAID_EVERY: Duration = Duration::from_secs(2);
/// How soon it is said again when the state has changed.
const SAID_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How long saying it may take: at its end, a program waits for it.
const SAID_WITHIN: Duration = Duration::from_secs(5);
/// A member that has said nothing for so long is gone.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(15);

/// One that runs a consumer, from its first start to its end.
pub(super) struct Presence {
    pool: PgPool,
    consumer: &'static str,
    member: Uuid,
    /// This process, as people are told it.
    instance: String,
    /// The partitions that it holds.
    holds: Mutex<Holds>,
}

impl Presence {
    pub(super) fn new(pool: PgPool, consumer: &'static str) -> Self {
        Self { pool, consumer, member: Uuid::now_v7(), instance: instances::own_name(), holds: Mutex::default() }
    }

    /// Nothing is held, until what this gives says so. A member that has left may still be told of its partitions:
    /// nobody heeds that.
    pub(super) fn hold_anew(&self) -> Holds {
        let holds = Holds::default();
        *lock(&self.holds) = Arc::clone(&holds);
        holds
    }

    /// Says it until `ended`; at once when the state changes. While PostgreSQL is away nobody is told anything.
    pub(super) async fn keep(&self, status: &watch::Sender<ReaderStatus>, ended: &CancellationToken) {
        let mut states = status.subscribe();
        while !ended.is_cancelled() {
            let state = states.borrow_and_update().state.clone();
            // To its end, so that no word comes behind the last one.
            match tokio::time::timeout(SAID_WITHIN, self.say(&state)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(consumer = self.consumer, %error, "who is there can't be said now"),
                Err(_elapsed) => tracing::debug!(consumer = self.consumer, "who is there can't be said in time"),
            }
            let next = async {
                tokio::time::sleep(SAID_AGAIN_AFTER).await;
                let changed = states.wait_for(|now| now.state != state);
                let _ = tokio::time::timeout(SAID_EVERY.saturating_sub(SAID_AGAIN_AFTER), changed).await;
            };
            ended.run_until_cancelled(next).await;
        }
    }

    async fn say(&self, state: &ReaderState) -> Result<(), LedgerError> {
        let holds = Arc::clone(&lock(&self.holds));
        let holds = lock(&holds).clone();
        let (state, detail) = state.parts();
        let (consumer, member, instance) = (self.consumer, self.member, self.instance.as_str());
        let said = members::Said { consumer, member, instance, state, detail, holds: &holds };
        members::be_present(&self.pool, said, GONE_AFTER).await
    }

    /// Says that it is gone. Who can't say so is gone soon by saying nothing.
    pub(super) async fn end(&self) {
        let gone = members::be_gone(&self.pool, self.consumer, self.member);
        let _ = tokio::time::timeout(SAID_WITHIN, gone).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
