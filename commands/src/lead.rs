//! One instance leads, the others stand by.
//!
//! Leading saves work and noise, no more: what a leader writes is guarded by compare-and-set on its checkpoint, or by
//! Kafka's fencing, so that two leaders at once do no harm.

use crate::db::{self, DbError};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

/// How often a standby asks for the lead. A lead that is set free is taken over within this time.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How often a leader looks whether it still is one.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long one question may take.
const ANSWER_AT_MOST: Duration = Duration::from_secs(3);

/// The lead in something, held as long as this lives and its session with PostgreSQL does.
#[derive(Debug)]
pub struct Lead {
    session: PgConnection,
}

impl Lead {
    /// Waits until nobody else leads in `name`; an error when the database does not answer. Cancel safe: drop the
    /// future to stop waiting.
    pub async fn acquire(pool: &PgPool, name: &str) -> Result<Self, DbError> {
        let options = pool.connect_options();
        let mut session = db::within(ANSWER_AT_MOST, PgConnection::connect_with(&options)).await??;
        loop {
            // Belongs to the session: it ends when the session does, however it ends.
            let ask = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('orders lead ' || $1, 0))");
            let ours: bool = db::within(ANSWER_AT_MOST, ask.bind(name).fetch_one(&mut session)).await??;
            if ours {
                return Ok(Self { session });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Returns once the lead is lost.
    pub async fn lost(&mut self) {
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            if !matches!(db::within(ANSWER_AT_MOST, self.session.ping()).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}
