//! Which products a visitor looked at, and how often. A visitor is a member, whichever session they come in, or else a
//! session.
//!
//! Of each visitor no more than [`MAX_PRODUCTS`] are kept, those looked at last.

use crate::db;
use chrono::{DateTime, Utc};
use domain::Sku;
use sqlx::{Connection, PgPool};
use uuid::Uuid;

/// The most products that are kept of one visitor.
pub const MAX_PRODUCTS: i64 = 50;
/// As often as this is often enough to count.
const MAX_VIEWS: i32 = 1_000_000;

/// Notes that a visitor looks at a product. It commits without waiting for the disk: whoever looks would wait for it,
/// and a crash costs the views of a moment.
pub async fn note(pool: &PgPool, visitor: Uuid, sku: &Sku, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let note = sqlx::query(
        "WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
         note AS (
             INSERT INTO products_viewed AS known (visitor_id, sku, views, last_at)
             SELECT $1::uuid, $2::text, 1, $3::timestamptz FROM unhurried
             ON CONFLICT (visitor_id, sku)
             DO UPDATE SET views = least(known.views + 1, $5), last_at = greatest(known.last_at, excluded.last_at))
         DELETE FROM products_viewed
          WHERE visitor_id = $1 AND sku IN (
             SELECT sku FROM products_viewed WHERE visitor_id = $1 AND sku <> $2
              ORDER BY last_at DESC, sku OFFSET $4)",
    );
    let note = note.bind(visitor).bind(sku.as_str()).bind(now).bind(MAX_PRODUCTS - 1).bind(MAX_VIEWS);
    db::ask(pool, async |session| note.execute(session).await).await.map(drop)
}

/// What one visitor looked at was looked at by another: a session's becomes the member's who logs in. The first has
/// none then.
pub async fn merge(pool: &PgPool, from: Uuid, into: Uuid) -> Result<(), sqlx::Error> {
    if from == into {
        return Ok(());
    }
    db::ask(pool, async |session| {
        let mut transaction = session.begin().await?;
        // In one order, so that two that merge into the same wait for each other.
        let merge = sqlx::query(
            "WITH moved AS (DELETE FROM products_viewed WHERE visitor_id = $1 RETURNING sku, views, last_at)
             INSERT INTO products_viewed AS known (visitor_id, sku, views, last_at)
             SELECT $2, sku, views, last_at FROM moved ORDER BY sku
             ON CONFLICT (visitor_id, sku)
             DO UPDATE SET views = least(known.views + excluded.views, $3),
                           last_at = greatest(known.last_at, excluded.last_at)",
        );
        merge.bind(from).bind(into).bind(MAX_VIEWS).execute(&mut *transaction).await?;
        let forget = sqlx::query(
            "DELETE FROM products_viewed
              WHERE visitor_id = $1 AND sku IN (
                 SELECT sku FROM products_viewed WHERE visitor_id = $1 ORDER BY last_at DESC, sku OFFSET $2)",
        );
        forget.bind(into).bind(MAX_PRODUCTS).execute(&mut *transaction).await?;
        transaction.commit().await
    })
    .await
}

/// The products that a visitor looked at most often, at most `limit`; of those looked at as often, the last first.
pub async fn most(pool: &PgPool, visitor: Uuid, limit: u32) -> Result<Vec<Sku>, sqlx::Error> {
    let skus: Vec<String> = db::read(pool, async |session| {
        let most = sqlx::query_scalar(
            "SELECT sku FROM products_viewed WHERE visitor_id = $1 ORDER BY views DESC, last_at DESC, sku LIMIT $2",
        );
        most.bind(visitor).bind(i64::from(limit)).fetch_all(session).await
    })
    .await?;
    Ok(skus.iter().filter_map(|sku| Sku::parse(sku).ok()).collect())
}
