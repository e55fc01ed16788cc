//! Payments that are not at their end: for whoever would ask for the money once more, and for people to look at.

use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::OrderId;
use sqlx::PgPool;

/// How long after it was asked for a payment that is still pending is one for a person to look at. PayPal's own review
/// is over by then.
pub const LONG: TimeDelta = TimeDelta::days(4);

/// Whether a payment of this order is on its way, as far as anybody can tell: the customer may be agreeing to it just
/// now, the provider has it, or it could not be found out how it ended. Who asks for money meanwhile may ask for it
/// twice.
pub async fn under_way(pool: &PgPool, order: OrderId) -> Result<bool, sqlx::Error> {
    db::read(pool, async |session| {
        let is_under_way = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM payment_intents
              WHERE order_id = $1
                AND (state IN ('settling', 'pending', 'failed') OR state = 'open' AND expires_at > now()))",
        );
        is_under_way.bind(order.0).fetch_one(session).await
    })
    .await
}

/// How many payments there are that are not at their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Open {
    /// The money is being taken.
    pub settling: i64,
    /// The provider has it, and has not made up its mind.
    pub pending: i64,
    /// Of these, those that were asked for more than [`LONG`] ago.
    pub pending_long: i64,
    /// Given up: how they ended is not known.
    pub failed: i64,
}

/// Counts them.
pub async fn count(pool: &PgPool, now: DateTime<Utc>) -> Result<Open, sqlx::Error> {
    db::read(pool, async |session| {
        let count = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 'settling') AS settling,
                    count(*) FILTER (WHERE state = 'pending') AS pending,
                    count(*) FILTER (WHERE state = 'pending' AND created_at < $1) AS pending_long,
                    count(*) FILTER (WHERE state = 'failed') AS failed
               FROM payment_intents WHERE state IN ('settling', 'pending', 'failed')",
        );
        count.bind(now.checked_sub_signed(LONG).unwrap_or(now)).fetch_one(session).await
    })
    .await
}
