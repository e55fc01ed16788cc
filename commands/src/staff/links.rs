//! A link by which somebody sets their password: for a new account, or for a password that was forgotten. It works once
//! and for two days, and the database keeps its hash alone.

use super::{Account, COLUMNS};
use crate::db;
use crate::members::LinkToken;
use crate::schedule::later;
use chrono::{DateTime, Utc};
use domain::text::PersonName;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// How long a link is good.
pub const LINK_LASTS: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Makes a link for an account; one that it had before is void. `None` where there is no such account, or it is
/// disabled.
pub async fn make(pool: &PgPool, account: Uuid, now: DateTime<Utc>) -> Result<Option<LinkToken>, sqlx::Error> {
    let token = LinkToken::random();
    let make = sqlx::query(
        "INSERT INTO staff_links (account_id, token_hash, expires_at)
         SELECT id, $2, $3 FROM staff_accounts WHERE id = $1 AND disabled_at IS NULL
         ON CONFLICT (account_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
    );
    let make = make.bind(account).bind(token.hash()).bind(later(now, LINK_LASTS));
    let made = db::ask(pool, async |session| make.execute(session).await).await?;
    Ok((made.rows_affected() == 1).then_some(token))
}

/// Whose link it is; `None` for one that is not good, or no longer.
pub async fn find(pool: &PgPool, token: &LinkToken, now: DateTime<Utc>) -> Result<Option<Account>, sqlx::Error> {
    let (hash, sql) = (
        token.hash(),
        format!(
            "SELECT {COLUMNS} FROM staff_links AS l JOIN staff_accounts AS a ON a.id = l.account_id
              WHERE l.token_hash = $1 AND l.expires_at > $2 AND a.disabled_at IS NULL"
        ),
    );
    db::read(pool, async |session| sqlx::query_as(&sql).bind(&hash).bind(now).fetch_optional(session).await).await
}

/// Sets the password of whoever has the link, and what they are called: what was let in by the password before is let
/// in no longer. Good once; `None` for a link that is not good, or no longer.
pub async fn redeem(
    pool: &PgPool,
    token: &LinkToken,
    name: &PersonName,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Account>, sqlx::Error> {
    let sql = format!(
        "WITH asked AS (DELETE FROM staff_links WHERE token_hash = $1 AND expires_at > $4 RETURNING account_id),
         ended AS (DELETE FROM staff_sessions USING asked WHERE staff_sessions.account_id = asked.account_id)
         UPDATE staff_accounts AS a
            SET name = $2, password_hash = $3, credentials = credentials + 1, changed_at = $4
           FROM asked WHERE a.id = asked.account_id AND a.disabled_at IS NULL RETURNING {COLUMNS}"
    );
    let redeem = sqlx::query_as(&sql).bind(token.hash()).bind(name.as_str()).bind(hash).bind(now);
    db::ask(pool, async |session| redeem.fetch_optional(session).await).await
}
