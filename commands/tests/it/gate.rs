//! Who holds the log's lock says what gathers for one batch.

use crate::shop::Shop;
use commands::{Aggregate, CommandError, Done, Submission};
use domain::{Event, wire};
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;
use testkit::postgres::Db;
use tokio::task::JoinHandle;

/// Generous: a machine may be busy with other things.
pub const BOUND: Duration = Duration::from_secs(60);

/// Holds the log's lock: an append waits while this is closed.
pub struct Gate {
    admin: PgPool,
    holder: Transaction<'static, Postgres>,
}

impl Gate {
    pub async fn close(db: &Db) -> Self {
        let admin = db.superuser_pool().await;
        let mut holder = admin.begin().await.unwrap();
        sqlx::query("SELECT FROM log_head FOR NO KEY UPDATE").execute(&mut *holder).await.unwrap();
        Self { admin, holder }
    }

    /// Returns once an append waits for the lock; says which server process that is.
    pub async fn until_an_append_waits(&self) -> i32 {
        testkit::eventually("an append waits", BOUND, async || {
            sqlx::query_scalar::<_, i32>(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'orders_login'
                    AND wait_event_type = 'Lock' AND query LIKE '%log_lock%'",
            )
            .fetch_optional(&self.admin)
            .await
            .unwrap()
        })
        .await
    }

    /// Opens after another process, so to speak, has appended this event to a stream.
    pub async fn open_after(mut self, id: &str, sequence: i64, event: Event) {
        let wire::Encoded { event_type, event_version, payload } = wire::encode(&event);
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                                 position, event_id, recorded_at)
             SELECT aggregate_type, aggregate_id, $2, $3, $4, $5::json, metadata, (SELECT max(position) + 1 FROM events),
                    gen_random_uuid(), clock_timestamp()
               FROM events WHERE aggregate_id = $1 AND sequence = $2 - 1",
        )
        .bind(id)
        .bind(sequence)
        .bind(event_type)
        .bind(event_version)
        .bind(payload)
        .execute(&mut *self.holder)
        .await
        .unwrap();
        self.holder.commit().await.unwrap();
    }

    pub async fn open(self) {
        self.holder.rollback().await.unwrap();
    }
}

type Handed<A> = JoinHandle<Result<Done, CommandError<A>>>;

/// Hands submissions in while a batch is under way, so that they make the next one, in this order.
///
/// For tests on a runtime of one thread: tasks run in the order in which they were spawned there, and what is decided
/// in memory is in the queue when its task first waits.
pub async fn hand_in<A: Aggregate>(shop: &Shop, submissions: Vec<Submission<A>>) -> Vec<Handed<A>> {
    let handed = submissions
        .into_iter()
        .map(|submission| {
            let gateway = shop.gateway.clone();
            tokio::spawn(async move { gateway.submit(submission).await })
        })
        .collect();
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    handed
}

/// What became of them.
pub async fn outcomes<A: Aggregate>(handed: Vec<Handed<A>>) -> Vec<Result<Done, CommandError<A>>> {
    let mut outcomes = Vec::with_capacity(handed.len());
    for task in handed {
        outcomes.push(tokio::time::timeout(BOUND, task).await.expect("an answer").expect("no panic"));
    }
    outcomes
}
