//! What became of an issue for each of its subscribers: written before a mail goes out and after, so that nobody gets
//! it twice.

use super::Subscriber;
use crate::db;
use chrono::{DateTime, Utc};
use domain::text::Email;
use sqlx::PgPool;
use uuid::Uuid;

/// What a send came to. Texts are kept: no personal data in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server has it.
    Sent,
    /// Not now: it is tried again.
    Waiting(String),
    /// Not at all.
    Failed(String),
    /// The last reply was lost: the server has it or not.
    Unknown(String),
}

impl Outcome {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Sent => ("sent", None),
            Self::Waiting(reason) => ("waiting", Some(reason)),
            Self::Failed(reason) => ("failed", Some(reason)),
            Self::Unknown(reason) => ("unknown", Some(reason)),
        }
    }
}

/// How many there are of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Sent.
    pub sent: i64,
    /// To be tried again.
    pub waiting: i64,
    /// Refused for good, or tried often enough.
    pub failed: i64,
    /// Of unknown outcome.
    pub unknown: i64,
}

/// Notes, durably, that an issue is about to be sent to somebody; `None` where it was before and is not to be tried
/// again, else which attempt it is.
pub async fn begin(
    pool: &PgPool,
    issue: Uuid,
    subscriber: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<u32>, sqlx::Error> {
    let begin = sqlx::query_scalar(
        "INSERT INTO issue_outcomes AS outcome (issue_id, subscriber_id, state, attempts, changed_at)
         VALUES ($1, $2, 'sending', 1, $3)
         ON CONFLICT (issue_id, subscriber_id) DO UPDATE
            SET state = 'sending', attempts = outcome.attempts + 1, changed_at = excluded.changed_at
          WHERE outcome.state = 'waiting'
         RETURNING attempts",
    );
    let begin = begin.bind(issue).bind(subscriber).bind(now);
    let attempts: Option<i32> = db::ask(pool, async |session| begin.fetch_optional(session).await).await?;
    Ok(attempts.map(i32::unsigned_abs))
}

/// Notes what came of it.
pub async fn finish(
    pool: &PgPool,
    issue: Uuid,
    subscriber: Uuid,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (state, reason) = outcome.parts();
    let finish = sqlx::query(
        "UPDATE issue_outcomes SET state = $3, reason = $4, changed_at = $5
          WHERE issue_id = $1 AND subscriber_id = $2 AND state = 'sending'",
    );
    let finish = finish.bind(issue).bind(subscriber).bind(state).bind(reason).bind(now);
    db::ask(pool, async |session| finish.execute(session).await).await.map(drop)
}

/// Takes back that an issue was about to be sent: there was nobody to send it by, so that it counts as no attempt.
pub async fn put_back(pool: &PgPool, issue: Uuid, subscriber: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let put_back = sqlx::query(
        "UPDATE issue_outcomes SET state = 'waiting', attempts = attempts - 1, changed_at = $3
          WHERE issue_id = $1 AND subscriber_id = $2 AND state = 'sending'",
    );
    let put_back = put_back.bind(issue).bind(subscriber).bind(now);
    db::ask(pool, async |session| put_back.execute(session).await).await.map(drop)
}

/// Marks as unknown what an earlier run was cut off at; to be called by the one run that is at the issue. Says how
/// many.
pub async fn give_up_sending(pool: &PgPool, issue: Uuid, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let give_up = sqlx::query(
        "UPDATE issue_outcomes
            SET state = 'unknown', changed_at = $2,
                reason = 'the program ended while it was being sent: whether it arrived is not known'
          WHERE issue_id = $1 AND state = 'sending'",
    );
    let give_up = give_up.bind(issue).bind(now);
    Ok(db::ask(pool, async |session| give_up.execute(session).await).await?.rows_affected())
}

/// Those of an issue's subscribers for whom it waits to be tried again, and who did not leave meanwhile, behind
/// `after`, by id; at most `limit`.
pub async fn waiting(pool: &PgPool, issue: Uuid, after: Uuid, limit: u32) -> Result<Vec<Subscriber>, sqlx::Error> {
    db::read(pool, async |session| {
        let waiting = sqlx::query_as(
            "SELECT who.id, who.email, who.lang, who.leave_key
               FROM issue_outcomes AS outcome JOIN subscribers AS who ON who.id = outcome.subscriber_id
              WHERE outcome.issue_id = $1 AND outcome.state = 'waiting' AND outcome.subscriber_id > $2
                AND who.confirmed_at IS NOT NULL
              ORDER BY outcome.subscriber_id LIMIT $3",
        );
        waiting.bind(issue).bind(after).bind(i64::from(limit)).fetch_all(session).await
    })
    .await
}

/// How an issue fared.
pub async fn count(pool: &PgPool, issue: Uuid) -> Result<Counts, sqlx::Error> {
    db::read(pool, async |session| {
        let count = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 'sent') AS sent,
                    count(*) FILTER (WHERE state = 'waiting') AS waiting,
                    count(*) FILTER (WHERE state = 'failed') AS failed,
                    count(*) FILTER (WHERE state IN ('unknown', 'sending')) AS unknown
               FROM issue_outcomes WHERE issue_id = $1",
        );
        count.bind(issue).fetch_one(session).await
    })
    .await
}

/// What became of an issue for one subscriber.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ToSubscriber {
    /// Which issue.
    pub issue_id: Uuid,
    /// sending, sent, waiting, failed or unknown.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What the last attempt came to, where that was no success.
    pub reason: Option<String>,
    /// When it came into this state.
    pub changed_at: DateTime<Utc>,
}

/// What became of the newest issues for whoever has an address, the newest first; nothing once they left.
pub async fn to_address(pool: &PgPool, address: &Email, limit: i64) -> Result<Vec<ToSubscriber>, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT outcome.issue_id, outcome.state, outcome.attempts, outcome.reason, outcome.changed_at
               FROM issue_outcomes AS outcome JOIN subscribers ON subscribers.id = outcome.subscriber_id
              WHERE subscribers.email_key = $1 ORDER BY outcome.changed_at DESC LIMIT $2",
        )
        .bind(address.search_key())
        .bind(limit)
        .persistent(false)
        .fetch_all(session)
        .await
    })
    .await
}
