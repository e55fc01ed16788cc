//! What somebody is about to order: products and how many of each, no prices.
//!
//! A cart has at most [`MAX_LINES`] lines of at most [`Quantity::MAX`] each, as an order has, also when several change
//! it at once: each change holds the cart's row first. After each change the cart has another content id, which names
//! exactly what is in it; an order is placed of one content, and takes that out of the cart and nothing that came later
//! ([`settle`]). From its first line to its order a cart holds one purchase, which is counted once
//! ([`begun`](super::begun)).

use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use domain::order::MAX_LINES;
use domain::{Quantity, Sku};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long a client's cart is kept that nobody changes.
pub const CLIENT_CARTS_KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long taking out what was ordered may take, waiting for who changes the cart included.
const SETTLE_AT_MOST: Duration = Duration::from_secs(5);
/// How long putting two carts together may take.
const MERGE_AT_MOST: Duration = Duration::from_secs(5);

/// Which cart. That of a visitor is reached by the session alone, that of an API client by whoever knows its id:
/// neither way leads to the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartRef {
    /// A session's cart, or a member's.
    Visitor(Uuid),
    /// An API client's.
    Client(Uuid),
}

impl CartRef {
    /// The id of the cart.
    pub fn id(self) -> Uuid {
        self.parts().0
    }

    fn parts(self) -> (Uuid, bool) {
        match self {
            Self::Visitor(id) => (id, false),
            Self::Client(id) => (id, true),
        }
    }
}

/// A cart as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Names what is in it: after a change it is another one.
    pub content_id: Uuid,
    /// Its lines, those first that came first.
    pub lines: Vec<CartLine>,
}

/// A product in a cart, and how many of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// Which product. It was in the catalogue when it was added.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// When it was added.
    pub added_at: DateTime<Utc>,
}

/// Why a cart is not changed.
#[derive(Debug, thiserror::Error)]
pub enum CartError {
    /// There is no such cart: it has expired, or never was.
    #[error("there is no such cart")]
    NoCart,
    /// It has no line of this product.
    #[error("the product is not in the cart")]
    NotInCart,
    /// It would have one line more than [`MAX_LINES`].
    #[error("a cart has at most {MAX_LINES} lines")]
    TooManyLines,
    /// With what is in it already, it would be more than [`Quantity::MAX`] of the product.
    #[error("a line holds at most {} of a product", Quantity::MAX)]
    TooMuch,
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes an empty cart for an API client; returns its id.
pub async fn create(pool: &PgPool, now: DateTime<Utc>) -> Result<Uuid, sqlx::Error> {
    db::ask(pool, async |session| create_in(session, now).await).await
}

pub(super) async fn create_in(session: &mut PgConnection, now: DateTime<Utc>) -> Result<Uuid, sqlx::Error> {
    let id = Uuid::new_v4();
    let create = sqlx::query("INSERT INTO carts (id, content_id, created_at, changed_at) VALUES ($1, $2, $3, $3)");
    create.bind(id).bind(Uuid::new_v4()).bind(now).execute(session).await?;
    Ok(id)
}

#[derive(Clone, sqlx::FromRow)]
struct Row {
    content_id: Uuid,
    sku: Option<String>,
    quantity: Option<i32>,
    added_at: Option<DateTime<Utc>>,
}

/// What is in a cart; `None` where there is no such cart.
pub async fn read(pool: &PgPool, cart: CartRef) -> Result<Option<Cart>, sqlx::Error> {
    db::read(pool, async |session| read_in(session, cart).await).await
}

pub(super) async fn read_in(session: &mut PgConnection, cart: CartRef) -> Result<Option<Cart>, sqlx::Error> {
    let (id, of_client) = cart.parts();
    let read = sqlx::query_as(
        "SELECT c.content_id, l.sku, l.quantity, l.added_at
           FROM carts AS c LEFT JOIN cart_lines AS l ON l.cart_id = c.id
          WHERE c.id = $1 AND (c.session_id IS NULL AND c.member_id IS NULL) = $2
          ORDER BY l.added_at, l.sku",
    );
    let rows: Vec<Row> = read.bind(id).bind(of_client).fetch_all(session).await?;
    let Some(content_id) = rows.first().map(|row| row.content_id) else { return Ok(None) };
    let line = |row: Row| {
        let sku = Sku::parse(&row.sku?).ok()?;
        let quantity = u32::try_from(row.quantity?).ok()?.try_into().ok()?;
        Some(CartLine { sku, quantity, added_at: row.added_at? })
    };
    Ok(Some(Cart { content_id, lines: rows.into_iter().filter_map(line).collect() }))
}

/// Adds to a cart: to the line of this product if there is one, else as a new line. Returns how many are in the line
/// now.
pub async fn add(
    pool: &PgPool,
    cart: CartRef,
    sku: &Sku,
    quantity: Quantity,
    now: DateTime<Utc>,
) -> Result<u32, CartError> {
    db::ask(pool, async |session| add_in(session, cart, sku, quantity, now).await).await
}

pub(super) async fn add_in(
    session: &mut PgConnection,
    cart: CartRef,
    sku: &Sku,
    quantity: Quantity,
    now: DateTime<Utc>,
) -> Result<u32, CartError> {
    let (id, of_client) = cart.parts();
    let add = sqlx::query_as(
        "WITH held AS MATERIALIZED (SELECT cart_lock($1, $2, $3) AS others),
         line AS (
             INSERT INTO cart_lines AS line (cart_id, sku, quantity, added_at)
             SELECT $1, $3, $4, $5 FROM held WHERE others < $6
             ON CONFLICT (cart_id, sku) DO UPDATE SET quantity = line.quantity + excluded.quantity
              WHERE line.quantity + excluded.quantity <= $7
             RETURNING quantity),
         cart AS (
             UPDATE carts SET content_id = $8, changed_at = $5, purchase_id = coalesce(purchase_id, $8)
               FROM line WHERE id = $1 RETURNING purchase_id),
         begun AS (INSERT INTO carts_begun (at) SELECT $5 FROM cart WHERE purchase_id = $8)
         SELECT held.others, (SELECT quantity FROM line) FROM held",
    );
    let add = add
        .bind(id)
        .bind(of_client)
        .bind(sku.as_str())
        .bind(i32::try_from(quantity.get()).unwrap_or(i32::MAX))
        .bind(now)
        .bind(MAX_LINES as i64)
        .bind(Quantity::MAX as i32)
        .bind(Uuid::new_v4());
    let (others, quantity): (Option<i64>, Option<i32>) = add.fetch_one(session).await?;
    match (others, quantity) {
        (None, _) => Err(CartError::NoCart),
        (Some(_), Some(quantity)) => Ok(quantity.unsigned_abs()),
        (Some(others), None) if others >= MAX_LINES as i64 => Err(CartError::TooManyLines),
        (Some(_), None) => Err(CartError::TooMuch),
    }
}

/// Sets how many of a product are in a cart that has a line of it. Doing it twice is doing it once.
pub async fn set(
    pool: &PgPool,
    cart: CartRef,
    sku: &Sku,
    quantity: Quantity,
    now: DateTime<Utc>,
) -> Result<(), CartError> {
    let (id, of_client) = cart.parts();
    let set = sqlx::query_as(
        "WITH held AS MATERIALIZED (SELECT cart_lock($1, $2, $3) AS others),
         line AS (
             UPDATE cart_lines SET quantity = $4 FROM held
              WHERE held.others IS NOT NULL AND cart_id = $1 AND sku = $3 RETURNING sku),
         cart AS (UPDATE carts SET content_id = $6, changed_at = $5 FROM line WHERE id = $1)
         SELECT held.others, EXISTS (SELECT FROM line) FROM held",
    );
    let set = set
        .bind(id)
        .bind(of_client)
        .bind(sku.as_str())
        .bind(i32::try_from(quantity.get()).unwrap_or(i32::MAX))
        .bind(now)
        .bind(Uuid::new_v4());
    changed(db::ask(pool, async |session| set.fetch_one(session).await).await?)
}

/// Takes a product out of a cart.
pub async fn remove(pool: &PgPool, cart: CartRef, sku: &Sku, now: DateTime<Utc>) -> Result<(), CartError> {
    let (id, of_client) = cart.parts();
    let remove = sqlx::query_as(
        "WITH held AS MATERIALIZED (SELECT cart_lock($1, $2, $3) AS others),
         line AS (
             DELETE FROM cart_lines USING held
              WHERE held.others IS NOT NULL AND cart_id = $1 AND sku = $3 RETURNING sku),
         cart AS (UPDATE carts SET content_id = $5, changed_at = $4 FROM line WHERE id = $1)
         SELECT held.others, EXISTS (SELECT FROM line) FROM held",
    );
    let remove = remove.bind(id).bind(of_client).bind(sku.as_str()).bind(now).bind(Uuid::new_v4());
    changed(db::ask(pool, async |session| remove.fetch_one(session).await).await?)
}

fn changed((others, was_there): (Option<i64>, bool)) -> Result<(), CartError> {
    match (others, was_there) {
        (None, _) => Err(CartError::NoCart),
        (Some(_), false) => Err(CartError::NotInCart),
        (Some(_), true) => Ok(()),
    }
}

/// Takes what was ordered out of a visitor's cart, once for each order; returns the answers that are kept of these
/// orders, the first one first. What was put in since stays, and with nothing ordered nothing changes.
pub async fn settle(pool: &PgPool, cart: Uuid, now: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    db::work(pool, SETTLE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        // What changes the cart waits, or is seen by the statement that follows.
        let hold = sqlx::query("SELECT FROM carts WHERE id = $1 FOR NO KEY UPDATE");
        hold.bind(cart).execute(&mut *transaction).await?;
        let answers = settle_in(&mut transaction, cart, now).await?;
        transaction.commit().await?;
        Ok(answers)
    })
    .await
}

/// The same of a cart that is held.
async fn settle_in(session: &mut PgConnection, cart: Uuid, now: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    let settle = sqlx::query_scalar(
        "WITH ordered AS (
             UPDATE idempotency_keys SET cart_id = NULL WHERE cart_id = $1 RETURNING position, body, cart_lines),
         units AS (
             SELECT line.key COLLATE \"C\" AS sku, sum(line.value::integer) AS quantity
               FROM ordered, jsonb_each_text(ordered.cart_lines) AS line GROUP BY 1),
         less AS (
             UPDATE cart_lines AS l SET quantity = l.quantity - u.quantity FROM units AS u
              WHERE l.cart_id = $1 AND l.sku = u.sku AND l.quantity > u.quantity),
         gone AS (
             DELETE FROM cart_lines AS l USING units AS u
              WHERE l.cart_id = $1 AND l.sku = u.sku AND l.quantity <= u.quantity),
         stays AS (
             SELECT FROM cart_lines AS l LEFT JOIN units AS u ON u.sku = l.sku
              WHERE l.cart_id = $1 AND (u.sku IS NULL OR l.quantity > u.quantity)),
         cart AS (
             UPDATE carts SET content_id = $2, changed_at = $3,
                              purchase_id = CASE WHEN EXISTS (SELECT FROM stays) THEN $2::uuid END
              WHERE id = $1 AND EXISTS (SELECT FROM ordered) RETURNING purchase_id),
         begun AS (INSERT INTO carts_begun (at) SELECT $3 FROM cart WHERE purchase_id = $2)
         SELECT body FROM ordered ORDER BY position",
    );
    settle.bind(cart).bind(Uuid::new_v4()).bind(now).fetch_all(session).await
}

/// Moves what is in one visitor's cart into another's: quantities are added up to [`Quantity::MAX`], and lines are
/// moved until there are [`MAX_LINES`], the oldest first. The one that they came from is empty then. What was ordered
/// is taken out of both before.
pub async fn merge(pool: &PgPool, from: Uuid, into: Uuid, now: DateTime<Utc>) -> Result<(), CartError> {
    if from == into {
        return Ok(());
    }
    db::work(pool, MERGE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        // In one order, so that two that merge the same carts wait for each other.
        let lock = sqlx::query(
            "SELECT FROM carts WHERE id IN ($1, $2) AND num_nonnulls(session_id, member_id) = 1
              ORDER BY id FOR NO KEY UPDATE",
        );
        if lock.bind(from).bind(into).fetch_all(&mut *transaction).await?.len() < 2 {
            return Err(CartError::NoCart);
        }
        for cart in [from, into] {
            settle_in(&mut transaction, cart, now).await?;
        }
        let merge = sqlx::query(
            "WITH moved AS (DELETE FROM cart_lines WHERE cart_id = $1 RETURNING sku, quantity, added_at),
             ranked AS (
                 SELECT moved.*, own.sku IS NOT NULL AS joins,
                        row_number() OVER (PARTITION BY own.sku IS NULL ORDER BY moved.added_at, moved.sku) AS place
                   FROM moved LEFT JOIN cart_lines AS own ON own.cart_id = $2 AND own.sku = moved.sku)
             INSERT INTO cart_lines AS line (cart_id, sku, quantity, added_at)
             SELECT $2, sku, quantity, added_at FROM ranked
              WHERE joins OR place <= $3 - (SELECT count(*) FROM cart_lines WHERE cart_id = $2)
             ON CONFLICT (cart_id, sku) DO UPDATE SET quantity = least(line.quantity + excluded.quantity, $4)",
        );
        let merge = merge.bind(from).bind(into).bind(MAX_LINES as i64).bind(Quantity::MAX as i32);
        merge.execute(&mut *transaction).await?;
        // The purchase moves with its lines; where there were two, they are one from now on.
        let note = sqlx::query(
            "UPDATE carts AS c SET content_id = gen_random_uuid(), changed_at = $3,
                    purchase_id = CASE c.id WHEN $2 THEN coalesce(c.purchase_id, other.purchase_id) END
               FROM carts AS other WHERE c.id IN ($1, $2) AND other.id = CASE c.id WHEN $1 THEN $2 ELSE $1 END",
        );
        note.bind(from).bind(into).bind(now).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    })
    .await
}

/// Deletes at most so many carts of API clients that nobody changed for [`CLIENT_CARTS_KEPT_FOR`]; returns how many.
pub(super) async fn sweep(pool: &PgPool, now: DateTime<Utc>, most: i64) -> Result<u64, sqlx::Error> {
    let kept_for = TimeDelta::from_std(CLIENT_CARTS_KEPT_FOR).unwrap_or(TimeDelta::MAX);
    let sweep = sqlx::query(
        "DELETE FROM carts WHERE id = ANY(ARRAY(
             SELECT id FROM carts WHERE session_id IS NULL AND member_id IS NULL AND changed_at <= $1
              ORDER BY changed_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    );
    let sweep = sweep.bind(now - kept_for).bind(most);
    Ok(db::ask(pool, async |session| sweep.execute(session).await).await?.rows_affected())
}
