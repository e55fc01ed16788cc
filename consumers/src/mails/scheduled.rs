//! The mails of the schedule: what came of each attempt is kept for a year, with a digest of the address in place of
//! the address.

use super::Mail;
use crate::mail::Outcome;
use crate::newsletter_mail;
use chrono::{DateTime, Utc};
use commands::db;
use commands::schedule::Run;
use commands::subscribers::issues;
use domain::text::Email;
use sqlx::PgPool;
use std::time::Duration;

/// How many of the newest mails to one address, or of one job, are told.
const TOLD_MAILS: i64 = 200;
/// How long a note of an attempt may take to be written.
const NOTE_AT_MOST: Duration = Duration::from_secs(5);

/// Notes that a mail of a job is about to be sent to an address; `None` where that can't be noted, which keeps no mail
/// from going out.
pub(crate) async fn begin(run: &Run, address: &str, message_id: &str) -> Option<i64> {
    let noted = db::work(run.pool(), NOTE_AT_MOST, async |session| {
        sqlx::query_scalar(
            "WITH forgotten AS (
                 DELETE FROM scheduled_mails WHERE id IN (SELECT id FROM scheduled_mails ORDER BY id LIMIT 10)
                    AND began_at < $5::timestamptz - interval '1 year')
             INSERT INTO scheduled_mails (task, job_key, address_hash, message_id, state, began_at)
             SELECT $1, $2, sha256(key || convert_to($3, 'UTF8')), $4, 'sending', $5
               FROM signing_keys WHERE name = 'mail_addresses'
             RETURNING id",
        )
        .bind(run.task())
        .bind(run.key())
        .bind(address.to_lowercase())
        .bind(message_id)
        .bind(run.now())
        .fetch_optional(session)
        .await
    });
    let noted: Result<Option<i64>, sqlx::Error> = noted.await;
    noted.unwrap_or_else(|error| {
        tracing::warn!(task = run.task(), %error, "what becomes of a mail can't be noted");
        None
    })
}

/// Notes what came of it.
pub(crate) async fn end(run: &Run, note: Option<i64>, outcome: &Outcome) {
    let Some(note) = note else { return };
    let (state, answer) = match outcome {
        Outcome::Sent(answer) => ("sent", answer),
        Outcome::Temporary(reason) | Outcome::Unreachable(reason) => ("waiting", reason),
        Outcome::Permanent(reason) | Outcome::NoRecipient(reason) => ("failed", reason),
        Outcome::Unknown(reason) => ("unknown", reason),
    };
    let noted = db::work(run.pool(), NOTE_AT_MOST, async |session| {
        sqlx::query("UPDATE scheduled_mails SET state = $2, answer = $3, ended_at = $4 WHERE id = $1")
            .bind(note)
            .bind(state)
            .bind(answer)
            .bind(run.now())
            .execute(session)
            .await
    });
    if let Err(error) = noted.await {
        tracing::warn!(task = run.task(), %error, "what became of a mail could not be noted");
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    task: String,
    job_key: String,
    message_id: String,
    state: String,
    answer: Option<String>,
    began_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn mail(self, is_to_address: Option<bool>) -> Mail {
        Mail {
            sender: self.task,
            cause: self.job_key,
            event: None,
            is_to_address,
            state: known(&self.state),
            why: self.answer,
            attempts: 1,
            failed_attempts: Vec::new(),
            message_id: Some(self.message_id),
            item: None,
            noted_at: Some(self.began_at),
            since: self.ended_at,
            next_at: None,
        }
    }
}

/// What came of the attempts of these jobs, by task and key: the newest of each, the first of them first.
pub(super) async fn of_jobs(pool: &PgPool, jobs: &[(&'static str, String)]) -> Result<Vec<Mail>, sqlx::Error> {
    let (tasks, keys): (Vec<&str>, Vec<&str>) = jobs.iter().map(|(task, key)| (*task, key.as_str())).unzip();
    let rows: Vec<Row> = db::read(pool, async |session| {
        let ask = sqlx::query_as(
            "SELECT sent.* FROM unnest($1::text[], $2::text[]) AS wanted(task, job_key)
              CROSS JOIN LATERAL (SELECT * FROM scheduled_mails AS own
                    WHERE own.task = wanted.task AND own.job_key = wanted.job_key
                    ORDER BY own.id DESC LIMIT $3) AS sent
              ORDER BY sent.id",
        );
        // Planned anew each time: a plan that was made for an empty table would go through all of it for ever.
        ask.bind(&tasks).bind(&keys).bind(TOLD_MAILS).persistent(false).fetch_all(session).await
    })
    .await?;
    Ok(rows.into_iter().map(|row| row.mail(None)).collect())
}

/// Whether so many mails are as many as are told at most, so that there may be older ones.
pub fn may_be_more(mails: &[Mail]) -> bool {
    i64::try_from(mails.len()).is_ok_and(|count| count >= TOLD_MAILS)
}

/// The newest mails of the schedule to an address, the newest first. Where there is a digest of it, there it is found.
pub async fn to_address(pool: &PgPool, address: &Email) -> Result<Vec<Mail>, sqlx::Error> {
    let rows: Vec<Row> = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT * FROM scheduled_mails
              WHERE address_hash = (SELECT sha256(key || convert_to($1, 'UTF8')) FROM signing_keys
                                     WHERE name = 'mail_addresses')
              ORDER BY id DESC LIMIT $2",
        )
        .bind(address.as_str().to_lowercase())
        .bind(TOLD_MAILS)
        .fetch_all(session)
        .await
    })
    .await?;
    Ok(rows.into_iter().map(|row| row.mail(Some(true))).collect())
}

/// The newest issues of the newsletter to an address, the newest first, as long as it is on the list.
pub async fn issues_to(pool: &PgPool, address: &Email) -> Result<Vec<Mail>, sqlx::Error> {
    let mail = |sent: issues::ToSubscriber| Mail {
        sender: newsletter_mail::TASK.to_owned(),
        cause: sent.issue_id.to_string(),
        event: None,
        is_to_address: Some(true),
        state: known(&sent.state),
        why: sent.reason,
        attempts: sent.attempts.unsigned_abs(),
        failed_attempts: Vec::new(),
        message_id: None,
        item: None,
        noted_at: None,
        since: Some(sent.changed_at),
        next_at: None,
    };
    Ok(issues::to_address(pool, address, TOLD_MAILS).await?.into_iter().map(mail).collect())
}

/// A state as it is told.
fn known(state: &str) -> &'static str {
    ["sending", "sent", "waiting", "failed"].into_iter().find(|known| *known == state).unwrap_or("unknown")
}
