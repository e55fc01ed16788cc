//! Who the members of a group are, by what they say of themselves.

use super::{LedgerError, within_bounds};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said<'a> {
    pub consumer: &'a str,
    pub member: Uuid,
    pub instance: &'a str,
    pub state: &'static str,
    pub detail: Option<&'a str>,
    pub holds: &'a [(String, i32)],
}

/// Says that a member is there, and forgets those that said nothing for `gone_after`.
pub(crate) async fn be_present(pool: &PgPool, said: Said<'_>, gone_after: Duration) -> Result<(), LedgerError> {
    let statement = sqlx::query(
        "WITH gone AS (
             DELETE FROM consumer_members
              WHERE consumer = $1 AND member <> $2 AND seen_at < now() - make_interval(secs => $7))
         INSERT INTO consumer_members (consumer, member, instance, started_at, seen_at, state, detail, holds)
         VALUES ($1, $2, $3, now(), now(), $4, $5, $6)
         ON CONFLICT ON CONSTRAINT consumer_members_member
         DO UPDATE SET seen_at = excluded.seen_at, state = excluded.state, detail = excluded.detail,
                       holds = excluded.holds",
    )
    .bind(said.consumer)
    .bind(said.member)
    .bind(said.instance)
    .bind(said.state)
    .bind(said.detail)
    .bind(sqlx::types::Json(said.holds))
    .bind(gone_after.as_secs_f64());
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}

/// Says that a member is gone.
pub(crate) async fn be_gone(pool: &PgPool, consumer: &str, member: Uuid) -> Result<(), LedgerError> {
    let statement =
        sqlx::query("DELETE FROM consumer_members WHERE consumer = $1 AND member = $2").bind(consumer).bind(member);
    within_bounds(pool, async move |session| statement.execute(session).await).await?;
    Ok(())
}
