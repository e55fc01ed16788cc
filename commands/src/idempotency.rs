//! Answers kept under idempotency keys, and commands that come twice at once.

use crate::db;
use crate::gateway::Answer;
use domain::{Position, Quantity, Sku};
use sqlx::{PgConnection, PgPool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How long a duplicate waits for the first to end.
pub const WAIT_AT_MOST: Duration = Duration::from_secs(10);
/// How long an answer is kept at least.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many old answers one sweep deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 5_000;

/// What makes two requests the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// SHA-256 of key holder, method, path and the client's key.
    pub digest: [u8; 32],
    /// SHA-256 of the request's body: the same key with another body is refused.
    pub request_digest: [u8; 32],
    /// What is ordered under it, where that is in a cart: the answer is kept until that is taken out, at least for
    /// [`KEPT_FOR`].
    pub ordered: Option<OrderedLines>,
}

/// The lines of a cart that an order is placed of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedLines {
    /// The cart.
    pub cart_id: Uuid,
    /// How many of each product.
    pub lines: Vec<(Sku, Quantity)>,
}

impl OrderedLines {
    /// As it is kept: an object of quantities, by the product's number.
    pub(crate) fn to_json(&self) -> String {
        let lines = self.lines.iter().map(|(sku, quantity)| (sku.as_str().to_owned(), quantity.get().into()));
        serde_json::Value::Object(lines.collect()).to_string()
    }
}

/// An answer that was given before.
pub(crate) struct Replay {
    pub answer: Answer,
    pub position: Position,
    pub request_digest: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    request_digest: Vec<u8>,
    status: i16,
    location: Option<String>,
    etag: Option<String>,
    body: String,
    position: i64,
}

/// The answer kept under a key.
pub(crate) async fn find(pool: &PgPool, key: &IdempotencyKey) -> Result<Option<Replay>, sqlx::Error> {
    let row: Option<Row> = db::read(pool, async |session| {
        let find = sqlx::query_as(
            "SELECT request_digest, status, location, etag, body, position FROM idempotency_keys
              WHERE key_digest = $1",
        );
        find.bind(key.digest.as_slice()).fetch_optional(session).await
    })
    .await?;
    Ok(row.map(|row| Replay {
        answer: Answer { status: row.status.unsigned_abs(), location: row.location, etag: row.etag, body: row.body },
        position: Position::from_i64(row.position),
        request_digest: row.request_digest,
    }))
}

/// Keeps an answer under a key, in the transaction of what it tells of, which is nothing of the log; says whether the
/// key was free. Waits for who is about to take it.
pub(crate) async fn keep(
    session: &mut PgConnection,
    key: &IdempotencyKey,
    answer: &Answer,
) -> Result<bool, sqlx::Error> {
    let keep = sqlx::query(
        "INSERT INTO idempotency_keys (key_digest, request_digest, status, location, etag, body, position, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, clock_timestamp()) ON CONFLICT DO NOTHING",
    );
    let keep = keep
        .bind(key.digest.as_slice())
        .bind(key.request_digest.as_slice())
        .bind(answer.status.cast_signed())
        .bind(&answer.location)
        .bind(&answer.etag)
        .bind(&answer.body);
    Ok(keep.execute(session).await?.rows_affected() == 1)
}

/// Deletes answers older than [`KEPT_FOR`], unless what was ordered is yet to be taken out of its cart; returns how
/// many.
pub async fn sweep(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let late = "DELETE FROM idempotency_keys WHERE key_digest = ANY(ARRAY(
             SELECT k.key_digest FROM idempotency_keys AS k
              WHERE k.created_at < clock_timestamp() - make_interval(secs => $1)
                AND (k.cart_id IS NULL OR NOT EXISTS (SELECT FROM carts AS c WHERE c.id = k.cart_id))
              LIMIT $2))";
    db::sweep(pool, late, KEPT_FOR.as_secs_f64(), SWEEP_ROWS).await
}

/// The keys of the commands that this process works on.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    keys: Arc<Mutex<HashMap<[u8; 32], watch::Receiver<()>>>>,
}

/// A duplicate waited for the first, and the first is not done yet.
pub(crate) struct StillInFlight;

/// The right to work on a key; given back on drop.
pub(crate) struct Turn {
    keys: Arc<Mutex<HashMap<[u8; 32], watch::Receiver<()>>>>,
    digest: [u8; 32],
    /// Whether another had the turn before: its answer may be kept by now.
    pub(crate) waited: bool,
    _done: watch::Sender<()>,
}

impl InFlight {
    /// Waits for its turn with a key, for `at_most`.
    pub(crate) async fn enter(&self, digest: [u8; 32], at_most: Duration) -> Result<Turn, StillInFlight> {
        let waiting = async {
            let mut waited = false;
            loop {
                match self.try_enter(digest, waited) {
                    Ok(turn) => return turn,
                    // Ends when the holder's sender is dropped.
                    Err(mut other) => while other.changed().await.is_ok() {},
                }
                waited = true;
            }
        };
        tokio::time::timeout(at_most, waiting).await.map_err(|_| StillInFlight)
    }

    fn try_enter(&self, digest: [u8; 32], waited: bool) -> Result<Turn, watch::Receiver<()>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = keys.get(&digest) {
            return Err(other.clone());
        }
        let (done, watch) = watch::channel(());
        keys.insert(digest, watch);
        Ok(Turn { keys: Arc::clone(&self.keys), digest, waited, _done: done })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.digest);
    }
}
