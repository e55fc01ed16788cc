//! How many purchases were begun: carts that got their first line, and orders whose customers were led to a payment
//! provider. Each is noted in the transaction that does it, once, and outlives the cart and the session.

use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long it is known what was begun. More than two years: the longest range of days that figures are told of.
pub const KEPT_FOR: Duration = Duration::from_secs(800 * 24 * 60 * 60);

/// What was begun in a range of times; nothing where it can't be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Begun {
    /// Carts that got their first line: a cart is begun anew after each order of it.
    pub carts: Option<u64>,
    /// Orders for which a customer was led to a payment provider for the first time.
    pub payments: Option<u64>,
}

/// Counts what was begun in `[from, to)`, each by an index, in a bounded time. What can't be counted, or is not kept
/// any more, is left out, and the log says why.
pub async fn begun(pool: &PgPool, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Begun {
    if from < kept_since(now) {
        return Begun::default();
    }
    let (carts, payments) = tokio::join!(
        count(pool, "SELECT count(*) FROM carts_begun WHERE at >= $1 AND at < $2", from, to),
        count(pool, "SELECT count(*) FROM payments_begun WHERE at >= $1 AND at < $2", from, to),
    );
    let told = |what: &str, counted: Result<u64, sqlx::Error>| {
        counted.inspect_err(|error| tracing::warn!(%error, what, "what was begun can't be counted")).ok()
    };
    Begun { carts: told("carts", carts), payments: told("payments", payments) }
}

async fn count(
    pool: &PgPool,
    statement: &'static str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let counted: i64 =
        db::read(pool, async |session| sqlx::query_scalar(statement).bind(from).bind(to).fetch_one(session).await)
            .await?;
    Ok(counted.unsigned_abs())
}

/// Notes that an order's customer is led to a payment provider, unless that was noted before.
pub(crate) async fn payment(session: &mut PgConnection, order_id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let note = sqlx::query("INSERT INTO payments_begun (order_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    note.bind(order_id).bind(now).execute(session).await.map(drop)
}

/// Deletes what is older than [`KEPT_FOR`], so many rows at a time; returns how many it were.
pub(super) async fn sweep(pool: &PgPool, now: DateTime<Utc>, most: i64) -> Result<u64, sqlx::Error> {
    // A row of a cart has no name but its place. The program may not lock what it may not change: who sweeps at the
    // same time waits.
    let carts = "DELETE FROM carts_begun WHERE ctid = ANY(ARRAY(
                     SELECT ctid FROM carts_begun WHERE at < $1 ORDER BY at LIMIT $2))";
    let payments = "DELETE FROM payments_begun WHERE order_id = ANY(ARRAY(
                        SELECT order_id FROM payments_begun WHERE at < $1 ORDER BY at LIMIT $2))";
    let since = kept_since(now);
    Ok(db::sweep(pool, carts, since, most).await? + db::sweep(pool, payments, since, most).await?)
}

fn kept_since(now: DateTime<Utc>) -> DateTime<Utc> {
    let kept_for = TimeDelta::from_std(KEPT_FOR).unwrap_or(TimeDelta::MAX);
    now.checked_sub_signed(kept_for).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
