//! From asking for an account to having one, by a link that only the owner of the address gets (double opt-in).

use super::{LinkToken, later};
use crate::db;
use crate::schedule::Schedule;
use chrono::{DateTime, Utc};
use domain::ids::SubjectId;
use domain::text::{Email, PersonName};
use sqlx::{Connection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long the link is good.
pub const LINK_LASTS: Duration = Duration::from_secs(24 * 60 * 60);
/// How many may ask for one address at a time; the oldest of more are forgotten.
const MAX_OPEN_PER_ADDRESS: i64 = 5;
/// How long asking may take.
const ASK_AT_MOST: Duration = Duration::from_secs(5);

/// Who asks for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// Where the link goes.
    pub email: Email,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// The tag of the language that they are written to in.
    pub lang: String,
    /// The hash of the password that they chose.
    pub password_hash: String,
}

/// Notes that an account is asked for, and has the mail written. The same is done for an address that has one already.
pub async fn ask(pool: &PgPool, schedule: &Schedule, applicant: &Applicant) -> Result<(), sqlx::Error> {
    let (id, now) = (Uuid::now_v7(), schedule.now());
    db::work(pool, ASK_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let note = sqlx::query(
            "WITH surplus AS (
                 DELETE FROM sign_ups WHERE id = ANY(ARRAY(
                     SELECT id FROM sign_ups WHERE email_key = $3 ORDER BY created_at DESC, id DESC OFFSET $10)))
             INSERT INTO sign_ups
                 (id, email, email_key, first_name, last_name, password_hash, lang, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        note.bind(id)
            .bind(applicant.email.as_str())
            .bind(applicant.email.search_key())
            .bind(applicant.first_name.as_str())
            .bind(applicant.last_name.as_str())
            .bind(applicant.password_hash.as_str())
            .bind(applicant.lang.as_str())
            .bind(now)
            .bind(later(now, LINK_LASTS))
            .bind(MAX_OPEN_PER_ADDRESS - 1)
            .execute(&mut *transaction)
            .await?;
        super::letters::put_sign_up(schedule, &mut transaction, id).await?;
        transaction.commit().await
    })
    .await
}

/// The address that a link was sent to, and the hash of the password that was chosen when it was asked for; `None` for
/// a link that is not good, or no longer.
pub async fn asked(
    pool: &PgPool,
    token: &LinkToken,
    now: DateTime<Utc>,
) -> Result<Option<(Email, String)>, sqlx::Error> {
    let hash = token.hash();
    let asked: Option<(String, String)> = db::read(pool, async |session| {
        let find =
            sqlx::query_as("SELECT email, password_hash FROM sign_ups WHERE token_hash = $1 AND expires_at > $2");
        find.bind(&hash).bind(now).fetch_optional(session).await
    })
    .await?;
    match asked {
        None => Ok(None),
        Some((email, hash)) => Ok(Some((Email::parse(&email).map_err(super::unreadable)?, hash))),
    }
}

/// Makes whoever was sent the link a member. Good once; `None` for a link that is not good, or no longer, and where
/// another was first to have the address.
pub async fn admit(pool: &PgPool, token: &LinkToken, now: DateTime<Utc>) -> Result<Option<SubjectId>, sqlx::Error> {
    let admit = sqlx::query_scalar(
        "WITH asked AS (DELETE FROM sign_ups WHERE token_hash = $1 AND expires_at > $2 RETURNING *)
         INSERT INTO members
             (id, email, email_key, first_name, last_name, password_hash, lang, created_at, changed_at)
         SELECT id, email, email_key, first_name, last_name, password_hash, lang, $2, $2 FROM asked
         ON CONFLICT (email_key) DO NOTHING RETURNING id",
    );
    let admit = admit.bind(token.hash()).bind(now);
    let id: Option<Uuid> = db::ask(pool, async |session| admit.fetch_optional(session).await).await?;
    Ok(id.map(SubjectId))
}
