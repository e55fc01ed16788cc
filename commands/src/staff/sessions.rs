//! Who is logged in behind the counter. Apart from the visits of shoppers: another cookie, another life.
//!
//! A session ends when it was not used for [`IDLE_FOR`], when it is [`AT_MOST`] old, and with the password that began
//! it.

use super::{Account, COLUMNS};
use crate::db;
use crate::schedule::later;
use crate::shop::sessions::SessionSecret;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use std::time::Duration;
use uuid::Uuid;

/// How long a session lives on after it was last used.
pub const IDLE_FOR: Duration = Duration::from_secs(12 * 60 * 60);
/// How long it lives at most.
pub const AT_MOST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// It is noted as seen again this often at most: a page that is only looked at writes nothing most of the time.
const SEEN_AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);

/// A session as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffSession {
    /// What it is known by. No secret.
    pub id: Uuid,
    /// Whose it is.
    pub account: Account,
    /// What the next page tells.
    pub notices: Option<Value>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
}

impl<'r> FromRow<'r, PgRow> for StaffSession {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("session_id")?,
            account: Account::from_row(row)?,
            notices: row.try_get("notices")?,
            created_at: row.try_get("session_created_at")?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    }
}

/// Lets somebody in under a new secret. One who was disabled just now, or has another password by now, is let in by it
/// nowhere.
pub async fn begin(
    pool: &PgPool,
    account: &Account,
    secret: &SessionSecret,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let begin = sqlx::query(
        "WITH noted AS (UPDATE staff_accounts SET last_log_in_at = $5 WHERE id = $2)
         INSERT INTO staff_sessions (id, account_id, secret_hash, credentials, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $5, $6)",
    );
    let begin = begin
        .bind(Uuid::now_v7())
        .bind(account.id)
        .bind(secret.hash().to_vec())
        .bind(account.credentials)
        .bind(now)
        .bind(later(now, IDLE_FOR));
    db::ask(pool, async |session| begin.execute(session).await).await.map(drop)
}

/// The session of a secret, unless it is over.
pub async fn find(
    pool: &PgPool,
    secret: &SessionSecret,
    now: DateTime<Utc>,
) -> Result<Option<StaffSession>, sqlx::Error> {
    let hash = secret.hash();
    let sql = format!(
        "SELECT s.id AS session_id, s.notices, s.created_at AS session_created_at, s.last_seen_at, {COLUMNS}
           FROM staff_sessions AS s
           JOIN staff_accounts AS a ON a.id = s.account_id AND a.credentials = s.credentials AND a.disabled_at IS NULL
          WHERE s.secret_hash = $1 AND s.expires_at > $2"
    );
    let session: Option<StaffSession> = db::read(pool, async |session| {
        sqlx::query_as(&sql).bind(hash.as_slice()).bind(now).fetch_optional(session).await
    })
    .await?;
    let Some(session) = session else { return Ok(None) };
    if now >= later(session.last_seen_at, SEEN_AGAIN_AFTER) {
        renew(pool, &session, now).await?;
    }
    Ok(Some(session))
}

async fn renew(pool: &PgPool, session: &StaffSession, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let until = later(now, IDLE_FOR).min(later(session.created_at, AT_MOST));
    let renew = sqlx::query("UPDATE staff_sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1");
    let renew = renew.bind(session.id).bind(now).bind(until);
    db::ask(pool, async |session| renew.execute(session).await).await.map(drop)
}

/// Keeps what the next page of the session tells.
pub async fn set_notices(pool: &PgPool, id: Uuid, notices: &Value) -> Result<(), sqlx::Error> {
    let set = sqlx::query("UPDATE staff_sessions SET notices = $2 WHERE id = $1").bind(id).bind(notices);
    db::ask(pool, async |session| set.execute(session).await).await.map(drop)
}

/// Forgets what a page of the session told; what there is to tell since then stays.
pub async fn forget_notices(pool: &PgPool, id: Uuid, told: &Value) -> Result<(), sqlx::Error> {
    let forget = sqlx::query("UPDATE staff_sessions SET notices = NULL WHERE id = $1 AND notices = $2");
    let forget = forget.bind(id).bind(told);
    db::ask(pool, async |session| forget.execute(session).await).await.map(drop)
}

/// Ends the session of a secret, if there is one.
pub async fn end(pool: &PgPool, secret: &SessionSecret) -> Result<(), sqlx::Error> {
    let end = sqlx::query("DELETE FROM staff_sessions WHERE secret_hash = $1").bind(secret.hash().to_vec());
    db::ask(pool, async |session| end.execute(session).await).await.map(drop)
}
