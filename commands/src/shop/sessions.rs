//! Visits that go on over several requests.
//!
//! The browser holds a secret of 256 random bits, the database its SHA-256 alone. A slow hash would add nothing: such a
//! secret can't be guessed at any price. A session is found by its secret and known by its id, which stays when the
//! secret is exchanged at login.

use super::later;
use crate::db;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// A session that was last seen within this part of its life is not noted as seen again: a page that is only looked at
/// writes nothing most of the time.
const SEEN_AGAIN_AFTER: u32 = 24;
/// Nor is one that was seen within this time, however short its life is.
const SEEN_AGAIN_AFTER_AT_LEAST: Duration = Duration::from_secs(60);

/// How long a session lives that its visitor did not come back with: what brings no cookie begins one with each form,
/// and is forgotten soon.
const FIRST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the browser's cookie holds. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret([u8; SECRET_BYTES]);

impl SessionSecret {
    /// A new one, random throughout.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Parses a secret. There is one spelling of each.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// As it stands in the cookie: 43 characters of the URL-safe base64 alphabet.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Another secret that is made of this one: whoever knows it does not know this one. `purpose` keeps apart what
    /// must not stand for each other.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update((purpose.len() as u64).to_le_bytes());
        digest.update(purpose);
        digest.update(self.0);
        digest.finalize().into()
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// How long after it was last seen; whole seconds, at least one.
    pub lasts: Duration,
    /// Whether it ends when the browser is closed, if that comes first.
    pub ends_with_browser: bool,
}

impl Lifetime {
    fn seconds(self) -> i64 {
        i64::try_from(self.lasts.as_secs()).unwrap_or(i64::MAX).max(1)
    }
}

/// A session as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// What it is known by. No secret, but nobody's business either.
    pub id: Uuid,
    /// A small object of whatever belongs to the visit.
    pub data: Value,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// When it was last noted as seen.
    pub last_seen_at: DateTime<Utc>,
    /// Whether its visitor has yet to come back with it: until then it lives for a day at most.
    pub is_new: bool,
    /// Under what is noted which products are looked at: the member, or the session itself.
    pub visitor_id: Uuid,
    /// Its cart; the member's where it is a member's visit.
    pub cart_id: Uuid,
    /// How many products are in the cart, each counted as often as it is in there.
    pub cart_units: u32,
    /// Whether an order was placed of what is in it: that is to be taken out first ([`settle`](super::carts::settle)).
    pub is_ordered: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    data: Value,
    lasts_s: i64,
    ends_with_browser: bool,
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    visitor_id: Uuid,
    cart_id: Uuid,
    cart_units: i64,
    is_ordered: bool,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        let lasts = Duration::from_secs(row.lasts_s.unsigned_abs());
        Self {
            id: row.id,
            data: row.data,
            lifetime: Lifetime { lasts, ends_with_browser: row.ends_with_browser },
            last_seen_at: row.last_seen_at,
            is_new: row.expires_at < later(row.last_seen_at, lasts),
            visitor_id: row.visitor_id,
            cart_id: row.cart_id,
            cart_units: u32::try_from(row.cart_units).unwrap_or(u32::MAX),
            is_ordered: row.is_ordered,
        }
    }
}

impl Session {
    /// Whether it is time to note that it was seen again, so that it goes on living.
    pub fn is_to_be_renewed(&self, now: DateTime<Utc>) -> bool {
        let pause = (self.lifetime.lasts / SEEN_AGAIN_AFTER).max(SEEN_AGAIN_AFTER_AT_LEAST);
        self.is_new || now >= later(self.last_seen_at, pause)
    }
}

/// Begins a session, with an empty cart. It lives for a day at most, until it is renewed.
pub async fn begin(
    pool: &PgPool,
    secret: &SessionSecret,
    lifetime: Lifetime,
    now: DateTime<Utc>,
) -> Result<Session, sqlx::Error> {
    let (id, cart_id) = (Uuid::now_v7(), Uuid::new_v4());
    let begin = sqlx::query(
        "WITH session AS (
             INSERT INTO sessions
                 (id, secret_hash, lasts_s, ends_with_browser, created_at, last_seen_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $5, $6) RETURNING id)
         INSERT INTO carts (id, session_id, content_id, created_at, changed_at)
         SELECT $7, id, $8, $5, $5 FROM session",
    );
    let begin = begin
        .bind(id)
        .bind(secret.hash().to_vec())
        .bind(lifetime.seconds())
        .bind(lifetime.ends_with_browser)
        .bind(now)
        .bind(later(now, lifetime.lasts.min(FIRST_LIFE)))
        .bind(cart_id)
        .bind(Uuid::new_v4());
    db::ask(pool, async |session| begin.execute(session).await).await?;
    let data = Value::Object(serde_json::Map::new());
    let is_new = lifetime.lasts > FIRST_LIFE;
    Ok(Session {
        id,
        data,
        lifetime,
        last_seen_at: now,
        is_new,
        visitor_id: id,
        cart_id,
        cart_units: 0,
        is_ordered: false,
    })
}

/// The session of a secret, unless it has expired. Its cart is the member's, for whom a visitor is known as.
pub async fn find(pool: &PgPool, secret: &SessionSecret, now: DateTime<Utc>) -> Result<Option<Session>, sqlx::Error> {
    let hash = secret.hash();
    let row: Option<Row> = db::read(pool, async |session| {
        let find = sqlx::query_as(
            "SELECT s.id, s.data, s.lasts_s, s.ends_with_browser, s.last_seen_at, s.expires_at,
                    coalesce(c.member_id, s.id) AS visitor_id, c.id AS cart_id,
                    (SELECT coalesce(sum(l.quantity), 0) FROM cart_lines AS l WHERE l.cart_id = c.id) AS cart_units,
                    EXISTS (SELECT FROM idempotency_keys AS k WHERE k.cart_id = c.id) AS is_ordered
               FROM sessions AS s JOIN carts AS c ON c.id = coalesce(
                    (SELECT own.id FROM carts AS own JOIN members AS m ON m.id = own.member_id
                      WHERE m.id = (s.data #>> '{member,id}')::uuid
                        AND m.credentials = (s.data #>> '{member,credentials}')::bigint),
                    (SELECT own.id FROM carts AS own WHERE own.session_id = s.id))
              WHERE s.secret_hash = $1 AND s.expires_at > $2",
        );
        find.bind(hash.as_slice()).bind(now).fetch_optional(session).await
    })
    .await?;
    Ok(row.map(Session::from))
}

/// Whether a session is there still, and the member whom the visitor is known as in it, as [`find`] tells by its
/// secret.
pub async fn member_of(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Option<Option<Uuid>>, sqlx::Error> {
    db::read(pool, async |session| {
        let find = sqlx::query_scalar(
            "SELECT m.id FROM sessions AS s LEFT JOIN members AS m
                 ON m.id = (s.data #>> '{member,id}')::uuid
                AND m.credentials = (s.data #>> '{member,credentials}')::bigint
              WHERE s.id = $1 AND s.expires_at > $2",
        );
        find.bind(id).bind(now).fetch_optional(session).await
    })
    .await
}

/// Notes that a session was seen: it lives on from now.
pub async fn renew(pool: &PgPool, session: &Session, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let renew = sqlx::query("UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1");
    let renew = renew.bind(session.id).bind(now).bind(later(now, session.lifetime.lasts));
    db::ask(pool, async |session| renew.execute(session).await).await.map(drop)
}

/// Notes whom a visitor is known as from now on: sets one member of the session's data, and its lifetime, and exchanges
/// the secret, so that one that was planted or learned before is worth nothing. All of it or nothing. Says whether the
/// session was still there.
pub async fn log_in(
    pool: &PgPool,
    id: Uuid,
    secret: &SessionSecret,
    (member, value): (&str, &Value),
    lifetime: Lifetime,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let log_in = sqlx::query(
        "UPDATE sessions SET secret_hash = $2, data = data || jsonb_build_object($3::text, $4::jsonb),
                lasts_s = $5, ends_with_browser = $6, last_seen_at = $7, expires_at = $8
          WHERE id = $1",
    );
    let log_in = log_in
        .bind(id)
        .bind(secret.hash().to_vec())
        .bind(member)
        .bind(value)
        .bind(lifetime.seconds())
        .bind(lifetime.ends_with_browser)
        .bind(now)
        .bind(later(now, lifetime.lasts));
    Ok(db::ask(pool, async |session| log_in.execute(session).await).await?.rows_affected() == 1)
}

/// Ends a session, with its cart and what was looked at in it.
pub async fn end(pool: &PgPool, id: Uuid) -> Result<(), sqlx::Error> {
    let end = sqlx::query(
        "WITH ended AS (DELETE FROM sessions WHERE id = $1 RETURNING id)
         DELETE FROM products_viewed USING ended WHERE visitor_id = ended.id",
    );
    let end = end.bind(id);
    db::ask(pool, async |session| end.execute(session).await).await.map(drop)
}

/// Deletes at most so many sessions that have expired, each with its cart and what was looked at in it; returns how
/// many.
pub(super) async fn sweep(pool: &PgPool, now: DateTime<Utc>, most: i64) -> Result<u64, sqlx::Error> {
    let swept: i64 = db::ask(pool, async |session| {
        // Carts go by their foreign key. What another instance is sweeping is its own.
        let sweep = sqlx::query_scalar(
            "WITH expired AS MATERIALIZED (
                 SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED),
             ended AS (DELETE FROM sessions USING expired WHERE sessions.id = expired.id RETURNING sessions.id),
             viewed AS (DELETE FROM products_viewed USING ended WHERE visitor_id = ended.id)
             SELECT count(*) FROM ended",
        );
        sweep.bind(now).bind(most).fetch_one(session).await
    })
    .await?;
    Ok(swept.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_secret_reads_back_and_has_one_spelling() {
        let secret = SessionSecret::random();
        let text = secret.expose();
        assert_eq!(text.len(), 43);
        assert_eq!(SessionSecret::parse(&text), Some(secret));
        for wrong in ["", "abc", &format!("{text}="), &text[1..], &format!("{text}A"), &format!("{}_", "A".repeat(42))]
        {
            assert_eq!(SessionSecret::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_derived_differs_by_secret_and_purpose_and_shows_neither() {
        let (one, other) = (SessionSecret::random(), SessionSecret::random());
        assert_eq!(one.derive("form"), one.derive("form"));
        assert_ne!(one.derive("form"), one.derive("link"));
        assert_ne!(one.derive("form"), other.derive("form"));
        assert_ne!(one.derive(""), one.hash());
        assert!(!format!("{one:?}").contains(&one.expose()));
    }

    #[test]
    fn a_session_is_noted_as_seen_again_only_now_and_then() {
        let seen = |hours: u64| Session {
            id: Uuid::nil(),
            data: Value::Null,
            lifetime: Lifetime { lasts: Duration::from_secs(hours * 3_600), ends_with_browser: false },
            last_seen_at: DateTime::UNIX_EPOCH,
            is_new: false,
            visitor_id: Uuid::nil(),
            cart_id: Uuid::nil(),
            cart_units: 0,
            is_ordered: false,
        };
        let after = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        assert!(!seen(24).is_to_be_renewed(after(3_599)));
        assert!(seen(24).is_to_be_renewed(after(3_600)));
        assert!(!seen(1).is_to_be_renewed(after(149)));
        assert!(seen(1).is_to_be_renewed(after(150)));
        assert!(Session { is_new: true, ..seen(24) }.is_to_be_renewed(after(0)), "its visitor came back");
    }
}
