//! The mails about a subscription: put into the schedule when it is asked for, and decided on when they are written.

use super::{LEAVE_KEY_BYTES, LINK_LASTS, Subscriber};
use crate::db;
use crate::members::LinkToken;
use crate::schedule::{NewJob, Schedule, later};
use chrono::{DateTime, Utc};
use domain::text::Email;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// The name of the task that writes them.
pub const TASK: &str = "subscription_mail";

/// What a job knows.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    email: String,
    lang: String,
}

/// A mail about a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLetter {
    /// To whom, in which language, and how they leave.
    pub subscriber: Subscriber,
    /// By what they confirm; `None` for who gets the newsletter already.
    pub confirm: Option<LinkToken>,
}

pub(super) async fn put(schedule: &Schedule, email: &Email, lang: &str) -> Result<(), sqlx::Error> {
    let asked = Asked { email: email.as_str().to_owned(), lang: lang.to_owned() };
    let payload = serde_json::to_value(asked).unwrap_or_default();
    let key = Uuid::now_v7().to_string();
    schedule.put(&NewJob { task: TASK, key: &key, payload, run_at: schedule.now() }).await.map(drop)
}

/// Why a mail can't be written.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The job was put in by a program that knows more.
    #[error("what is asked for is not understood: {0}")]
    Unknown(#[from] serde_json::Error),
}

/// The mail of a job. The token in it is made now, and only the link of the last mail is good.
pub async fn write(
    pool: &PgPool,
    payload: &Value,
    now: DateTime<Utc>,
) -> Result<Option<SubscriptionLetter>, LetterError> {
    let Asked { email, lang } = Asked::deserialize(payload)?;
    let Ok(email) = Email::parse(&email) else { return Ok(None) };
    let token = LinkToken::random();
    // Who is confirmed stays so: for them the update changes nothing, and is there for what it returns.
    let keep = sqlx::query_as::<_, Kept>(
        "INSERT INTO subscribers AS kept (id, email, email_key, lang, leave_key, token_hash, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (email_key) DO UPDATE
            SET token_hash = CASE WHEN kept.confirmed_at IS NULL THEN excluded.token_hash END,
                expires_at = CASE WHEN kept.confirmed_at IS NULL THEN excluded.expires_at END,
                lang = CASE WHEN kept.confirmed_at IS NULL THEN excluded.lang ELSE kept.lang END
         RETURNING id, email, lang, leave_key, confirmed_at IS NOT NULL AS is_confirmed",
    );
    let keep = keep
        .bind(Uuid::now_v7())
        .bind(email.as_str())
        .bind(email.search_key())
        .bind(lang.as_str())
        .bind(rand::random::<[u8; LEAVE_KEY_BYTES]>().to_vec())
        .bind(token.hash())
        .bind(later(now, LINK_LASTS))
        .bind(now);
    let Kept { subscriber, is_confirmed } = db::ask(pool, async |session| keep.fetch_one(session).await).await?;
    Ok(Some(SubscriptionLetter { subscriber, confirm: (!is_confirmed).then_some(token) }))
}

#[derive(sqlx::FromRow)]
struct Kept {
    #[sqlx(flatten)]
    subscriber: Subscriber,
    is_confirmed: bool,
}
