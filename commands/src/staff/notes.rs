//! What staff note about an order among themselves: no customer sees it.

use super::Account;
use crate::db;
use chrono::{DateTime, Utc};
use domain::ids::OrderId;
use sqlx::{FromRow, PgPool};

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

/// Notes something about an order. Whether there is such an order is the caller's to know.
pub async fn write(
    pool: &PgPool,
    order: OrderId,
    by: &Account,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), NoteError> {
    let text = text.trim().replace("\r\n", "\n");
    let unprintable = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() || text.chars().count() > MAX_CHARS || text.chars().any(unprintable) {
        return Err(NoteError::NotANote);
    }
    let write = sqlx::query(
        "INSERT INTO order_notes (order_id, account_id, body, written_at)
         SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM order_notes WHERE order_id = $1) < $5",
    );
    let write = write.bind(order.0).bind(by.id).bind(text).bind(now).bind(MAX_PER_ORDER);
    let written = db::ask(pool, async |session| write.execute(session).await).await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(NoteError::TooMany) }
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
