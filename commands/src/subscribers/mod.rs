//! Who gets the newsletter: by asking for it and following a link that only the owner of the address gets, until they
//! leave by another, without logging in (RFC 8058).
//!
//! As with accounts, nobody learns from an answer who is a subscriber: that is looked up when the mail is written
//! ([`letters`]).

pub mod issues;
pub mod letters;

use crate::db;
use crate::members::LinkToken;
use crate::schedule::Schedule;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::text::{Email, TextError};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// How long the link that confirms is good.
pub const LINK_LASTS: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// How many rows one sweep deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 1_000;
/// Bytes of the key in the link by which one leaves.
const LEAVE_KEY_BYTES: usize = 32;

/// Somebody who gets the newsletter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// By which they are known.
    pub id: Uuid,
    /// Where it goes.
    pub email: Email,
    /// The tag of its language.
    pub lang: String,
    /// How it ends.
    pub leave: LeaveLink,
}

impl<'r> FromRow<'r, PgRow> for Subscriber {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let id: Uuid = row.try_get("id")?;
        let unreadable = |error: TextError| sqlx::Error::Decode(Box::new(error));
        let key: Vec<u8> = row.try_get("leave_key")?;
        let key: [u8; LEAVE_KEY_BYTES] =
            key.try_into().map_err(|_| sqlx::Error::Decode("a key of another length".into()))?;
        let email = Email::parse(row.try_get("email")?).map_err(unreadable)?;
        Ok(Self { id, email, lang: row.try_get("lang")?, leave: LeaveLink { id, key } })
    }
}

/// What the link holds by which somebody leaves: who, and a key that only their mails bear. `Debug` hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct LeaveLink {
    id: Uuid,
    key: [u8; LEAVE_KEY_BYTES],
}

impl LeaveLink {
    /// Parses one. There is one spelling of each.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, key) = text.split_once('.')?;
        let id: Uuid = id.parse().ok().filter(|parsed: &Uuid| parsed.as_hyphenated().to_string() == id)?;
        Some(Self { id, key: URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()? })
    }

    /// As it stands in the link: letters, digits, `-`, `_` and `.`.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.id.as_hyphenated(), URL_SAFE_NO_PAD.encode(self.key))
    }
}

impl fmt::Debug for LeaveLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeaveLink({}, …)", self.id)
    }
}

/// Has the mail with the link written. The same is done for an address that gets the newsletter already.
pub async fn ask(schedule: &Schedule, email: &Email, lang: &str) -> Result<(), sqlx::Error> {
    letters::put(schedule, email, lang).await
}

/// Whether a link that confirms is good.
pub async fn is_good(pool: &PgPool, token: &LinkToken, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let hash = token.hash();
    db::read(pool, async |session| {
        let find =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM subscribers WHERE token_hash = $1 AND expires_at > $2)");
        find.bind(&hash).bind(now).fetch_one(session).await
    })
    .await
}

/// Makes whoever was sent the link a subscriber. Good once; says whether it was.
pub async fn confirm(pool: &PgPool, token: &LinkToken, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let confirm = sqlx::query(
        "UPDATE subscribers SET confirmed_at = $2, token_hash = NULL, expires_at = NULL
          WHERE token_hash = $1 AND expires_at > $2",
    );
    let confirm = confirm.bind(token.hash()).bind(now);
    Ok(db::ask(pool, async |session| confirm.execute(session).await).await?.rows_affected() == 1)
}

/// Ends it for whose link this is: nothing of them is kept. Doing it twice is doing it once, so a link that is no
/// longer known is no error; says whether it was.
pub async fn leave(pool: &PgPool, link: &LeaveLink) -> Result<bool, sqlx::Error> {
    let leave = sqlx::query("DELETE FROM subscribers WHERE id = $1 AND leave_key = $2");
    let leave = leave.bind(link.id).bind(link.key.to_vec());
    Ok(db::ask(pool, async |session| leave.execute(session).await).await?.rows_affected() == 1)
}

/// Those who got the newsletter at that moment, and still do, behind `after` (the nil UUID for the first page), by id;
/// at most `limit`.
pub async fn page(
    pool: &PgPool,
    moment: DateTime<Utc>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Subscriber>, sqlx::Error> {
    db::read(pool, async |session| {
        let page = sqlx::query_as(
            "SELECT id, email, lang, leave_key FROM subscribers
              WHERE confirmed_at IS NOT NULL AND confirmed_at <= $1 AND id > $2 ORDER BY id LIMIT $3",
        );
        page.bind(moment).bind(after).bind(i64::from(limit)).fetch_all(session).await
    })
    .await
}

/// How many get the newsletter.
pub async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_scalar("SELECT count(*) FROM subscribers WHERE confirmed_at IS NOT NULL").fetch_one(session).await
    })
    .await
}

/// Deletes whoever asked and never followed the link in time; returns how many.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let late = "DELETE FROM subscribers WHERE id = ANY(ARRAY(
             SELECT id FROM subscribers WHERE confirmed_at IS NULL AND expires_at <= $1
              ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    db::sweep(pool, late, now, SWEEP_ROWS).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_has_one_spelling_and_hides_its_key() {
        let link = LeaveLink { id: Uuid::now_v7(), key: rand::random() };
        let text = link.expose();
        assert_eq!(LeaveLink::parse(&text), Some(link.clone()));
        let (id, key) = text.split_once('.').unwrap();
        for wrong in ["", ".", id, key, &format!("{text}="), &format!("{}.{key}", id.to_uppercase()), &text[..70]] {
            assert_eq!(LeaveLink::parse(wrong), None, "{wrong}");
        }
        assert!(!format!("{link:?}").contains(key));
    }
}
