//! What customers and staff write to each other about orders, in a plain table: it is no history.
//!
//! Ids are in the order of commits, as each message is written behind one lock: a reader that has seen up to an id has
//! seen all up to it. Of each order there are at most [`MAX_PER_AUTHOR`] messages from either side.

use crate::db;
use chrono::{DateTime, Utc};
use domain::ids::OrderId;
use domain::text::MessageText;
use sqlx::PgPool;
use uuid::Uuid;

/// The most messages that the customer, and the most that staff, can write about one order.
pub const MAX_PER_AUTHOR: i64 = 100;

/// From whom a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Whoever ordered.
    Customer,
    /// Somebody behind the counter: the id of the API key.
    Staff(String),
}

/// Which side a message is from, which is all that readers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Whoever ordered.
    Customer,
    /// The shop.
    Staff,
}

impl Side {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Staff].into_iter().find(|side| side.as_str() == text)
    }
}

impl Author {
    /// Which side it is of.
    pub const fn side(&self) -> Side {
        match self {
            Self::Customer => Side::Customer,
            Self::Staff(_) => Side::Staff,
        }
    }

    fn actor(&self) -> Option<&str> {
        match self {
            Self::Customer => None,
            Self::Staff(actor) => Some(actor),
        }
    }
}

/// A message as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Greater than that of every message that was readable before.
    pub id: i64,
    /// About which order.
    pub order: OrderId,
    /// From whom.
    pub side: Side,
    /// What it says, as it was typed: to be escaped where it is shown.
    pub body: String,
    /// When.
    pub sent_at: DateTime<Utc>,
}

/// What it says is nobody's business but the two sides'.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, order, side, body: _, sent_at } = self;
        f.debug_struct("Message")
            .field("id", id)
            .field("order", order)
            .field("side", side)
            .field("sent_at", sent_at)
            .finish_non_exhaustive()
    }
}

/// A message that is about to be written.
#[derive(Debug, Clone)]
pub struct NewMessage<'m> {
    /// About which order. Whether there is such an order is the caller's to know.
    pub order: OrderId,
    /// From whom.
    pub author: &'m Author,
    /// What makes two requests the same message, if anything does.
    pub key: Option<[u8; 32]>,
    /// What it says.
    pub text: &'m MessageText,
}

/// Why a message is not written.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// There are as many from this side already as there may be.
    #[error("there are {MAX_PER_AUTHOR} messages of this side about the order already")]
    TooMany,
    /// Another text was written under this key.
    #[error("the key was used for another message")]
    KeyReused,
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    order_id: Uuid,
    author: String,
    body: String,
    sent_at: DateTime<Utc>,
}

impl TryFrom<Row> for Message {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let side =
            Side::parse(&row.author).ok_or_else(|| sqlx::Error::Decode("the author is not a known one".into()))?;
        Ok(Self { id: row.id, order: OrderId(row.order_id), side, body: row.body, sent_at: row.sent_at })
    }
}

#[derive(sqlx::FromRow)]
struct Outcome {
    known_id: Option<i64>,
    known_body: Option<String>,
    known_sent_at: Option<DateTime<Utc>>,
    new_id: Option<i64>,
}

/// Writes a message, once for each key: the same again gives the one that there is. Says whether it is new.
pub async fn write(
    pool: &PgPool,
    message: &NewMessage<'_>,
    now: DateTime<Utc>,
) -> Result<(Message, bool), MessageError> {
    let NewMessage { order, author, key, text } = message;
    let (side, body) = (author.side(), text.as_str());
    let write = sqlx::query_as(
        "WITH held AS MATERIALIZED (SELECT * FROM order_messages_lock($1, $2, $4)),
         written AS (
             INSERT INTO order_messages (order_id, author, actor, key, body, sent_at)
             SELECT $1, $2, $3, $4, $5, $6 FROM held WHERE known_id IS NULL AND written < $7
             RETURNING id)
         SELECT known_id, known_body, known_sent_at, (SELECT id FROM written) AS new_id FROM held",
    );
    let write = write
        .bind(order.0)
        .bind(side.as_str())
        .bind(author.actor())
        .bind(key.map(|key| key.to_vec()))
        .bind(body)
        .bind(now)
        .bind(MAX_PER_AUTHOR);
    let outcome: Outcome = db::ask(pool, async |session| write.fetch_one(session).await).await?;
    let message = |id, sent_at| Message { id, order: *order, side, body: body.to_owned(), sent_at };
    match outcome {
        Outcome { new_id: Some(id), .. } => Ok((message(id, now), true)),
        Outcome { known_id: Some(id), known_body: Some(known), known_sent_at: Some(sent_at), .. } => {
            if known == body {
                Ok((message(id, sent_at), false))
            } else {
                Err(MessageError::KeyReused)
            }
        }
        _ => Err(MessageError::TooMany),
    }
}

/// All messages about an order behind an id (0 for all), in order: no more than twice [`MAX_PER_AUTHOR`].
pub async fn of_order(pool: &PgPool, order: OrderId, after: i64) -> Result<Vec<Message>, sqlx::Error> {
    let rows: Vec<Row> = db::read(pool, async |session| {
        let read = sqlx::query_as(
            "SELECT id, order_id, author, body, sent_at FROM order_messages
              WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        );
        read.bind(order.0).bind(after).bind(2 * MAX_PER_AUTHOR).fetch_all(session).await
    })
    .await?;
    rows.into_iter().map(Message::try_from).collect()
}

/// The messages about all orders behind an id, in order, at most `limit`.
pub async fn behind(pool: &PgPool, after: i64, limit: u32) -> Result<Vec<Message>, sqlx::Error> {
    let rows: Vec<Row> = db::read(pool, async |session| {
        let read = sqlx::query_as(
            "SELECT id, order_id, author, body, sent_at FROM order_messages WHERE id > $1 ORDER BY id LIMIT $2",
        );
        read.bind(after).bind(i64::from(limit)).fetch_all(session).await
    })
    .await?;
    rows.into_iter().map(Message::try_from).collect()
}

/// The id of the newest message about any order; 0 where there is none.
pub async fn newest(pool: &PgPool) -> Result<i64, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM order_messages").fetch_one(session).await
    })
    .await
}

/// How many of the newest messages of customers are looked through for those that wait for an answer.
const LOOKED_THROUGH: i64 = 1_000;

/// The orders whose customers wait for an answer, with when they last wrote: the newest first, at most `limit`. Those
/// who wrote before the last thousand messages of customers are left out.
pub async fn unanswered(pool: &PgPool, limit: u32) -> Result<Vec<(OrderId, DateTime<Utc>)>, sqlx::Error> {
    let rows: Vec<(Uuid, DateTime<Utc>)> = db::read(pool, async |session| {
        let read = sqlx::query_as(
            "SELECT m.order_id, m.sent_at
               FROM (SELECT id, order_id, sent_at FROM order_messages
                      WHERE author = 'customer' ORDER BY id DESC LIMIT $1) AS m
              WHERE NOT EXISTS (SELECT FROM order_messages AS later
                                 WHERE later.order_id = m.order_id AND later.id > m.id)
              ORDER BY m.id DESC LIMIT $2",
        );
        read.bind(LOOKED_THROUGH).bind(i64::from(limit)).fetch_all(session).await
    })
    .await?;
    Ok(rows.into_iter().map(|(order, at)| (OrderId(order), at)).collect())
}
