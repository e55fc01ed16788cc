//! What staff note about an order among themselves: no customer sees it.

use super::Account;
use crate::db;
use crate::gateway::Answer;
use crate::idempotency::{self, IdempotencyKey};
use chrono::{DateTime, Utc};
use domain::ids::OrderId;
use sha2::{Digest, Sha256};
use sqlx::{Connection, FromRow, PgPool};
use uuid::Uuid;

/// Keeps these keys apart from those of others.
const PURPOSE: &str = "staff note";
/// The most characters of a note.
pub const MAX_CHARS: usize = 2_000;
/// The most notes about one order.
pub const MAX_PER_ORDER: i64 = 200;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Note {
    /// What whoever wrote it is called.
    pub name: String,
    /// What it says, as it was typed: to be escaped where it is shown.
    pub body: String,
    /// When.
    pub written_at: DateTime<Utc>,
}

/// Why a note is not written.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It says nothing, too much, or what can't be shown.
    #[error("a note has 1 to {MAX_CHARS} characters, none of them a control character but line breaks")]
    NotANote,
    /// There are as many already as there may be.
    #[error("there are {MAX_PER_ORDER} notes about the order already")]
    TooMany,
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Notes something about an order, once however often the same `form` brings the same text. Whether there is such an
/// order is the caller's to know.
pub async fn write(
    pool: &PgPool,
    order: OrderId,
    by: &Account,
    form: Uuid,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), NoteError> {
    let text = text.trim().replace("\r\n", "\n");
    let unprintable = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() || text.chars().count() > MAX_CHARS || text.chars().any(unprintable) {
        return Err(NoteError::NotANote);
    }
    let key = key(order, by, form, &text);
    let answer = Answer { status: 204, location: None, etag: None, body: String::new() };
    db::ask(pool, async |session| {
        let mut transaction = session.begin().await?;
        // First: who comes with the same key meanwhile waits here, and finds that it is written.
        if !idempotency::keep(&mut transaction, &key, &answer).await? {
            return Ok(());
        }
        let write = sqlx::query(
            "INSERT INTO order_notes (order_id, account_id, body, written_at)
             SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM order_notes WHERE order_id = $1) < $5",
        );
        let write = write.bind(order.0).bind(by.id).bind(&text).bind(now).bind(MAX_PER_ORDER);
        if write.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(NoteError::TooMany);
        }
        Ok(transaction.commit().await?)
    })
    .await
}

/// The same form with another text, as the way back in a browser leads to, is another note.
fn key(order: OrderId, by: &Account, form: Uuid, text: &str) -> IdempotencyKey {
    let purpose = Sha256::new().chain_update((PURPOSE.len() as u64).to_le_bytes()).chain_update(PURPOSE);
    let whose = purpose.chain_update(by.id.as_bytes()).chain_update(order.0.as_bytes()).chain_update(form.as_bytes());
    let request_digest = Sha256::digest(text).into();
    IdempotencyKey { digest: whose.chain_update(text).finalize().into(), request_digest, ordered: None }
}

/// The notes about an order, in order.
pub async fn of_order(pool: &PgPool, order: OrderId) -> Result<Vec<Note>, sqlx::Error> {
    db::read(pool, async |session| {
        let read = sqlx::query_as(
            "SELECT a.name, n.body, n.written_at FROM order_notes AS n JOIN staff_accounts AS a ON a.id = n.account_id
              WHERE n.order_id = $1 ORDER BY n.id LIMIT $2",
        );
        read.bind(order.0).bind(2 * MAX_PER_ORDER).fetch_all(session).await
    })
    .await
}
