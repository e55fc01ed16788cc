//! The mails about accounts: put into the schedule when they are asked for, and decided on when they are written.
//!
//! A job knows who asked and for what, and no secret: the link's token is made when the mail is written, and kept as
//! its hash. A further attempt makes another one. Of those to an account only the last is good; of those to a new
//! password each is until one was used: otherwise anybody could make somebody's void by asking for one more.

use super::{LinkToken, Member, by_email, later, recovery};
use crate::db;
use crate::schedule::{NewJob, Schedule};
use chrono::{DateTime, Utc};
use domain::text::{Email, PersonName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// The name of the task that writes them.
pub const TASK: &str = "account_mail";

/// What a job knows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Asked {
    /// For an account.
    SignUp { id: Uuid },
    /// For a new password.
    Reset { email: String, lang: String },
}

/// A mail about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLetter {
    /// To which address.
    pub email: Email,
    /// What to call them.
    pub first_name: PersonName,
    /// Their family name.
    pub last_name: PersonName,
    /// The tag of its language.
    pub lang: String,
    /// What it says.
    pub says: Says,
}

/// What a mail about an account says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Follow this link, and the account is yours.
    Confirm(LinkToken),
    /// Somebody asked for an account with this address, and you have one already.
    HasAccount,
    /// Follow this link to set a new password.
    Reset(LinkToken),
}

pub(super) async fn put_sign_up(schedule: &Schedule, session: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    schedule.put_on(session, &job(&id.to_string(), &Asked::SignUp { id }, schedule.now())).await.map(drop)
}

pub(super) async fn put_reset(schedule: &Schedule, email: &Email, lang: &str) -> Result<(), sqlx::Error> {
    let asked = Asked::Reset { email: email.as_str().to_owned(), lang: lang.to_owned() };
    schedule.put(&job(&Uuid::now_v7().to_string(), &asked, schedule.now())).await.map(drop)
}

fn job<'k>(key: &'k str, asked: &Asked, run_at: DateTime<Utc>) -> NewJob<'k> {
    NewJob { task: TASK, key, payload: serde_json::to_value(asked).unwrap_or_default(), run_at }
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

/// The mail of a job; `None` where none is called for any more: nobody has the address, or it is too late.
pub async fn write(pool: &PgPool, payload: &Value, now: DateTime<Utc>) -> Result<Option<AccountLetter>, LetterError> {
    match Asked::deserialize(payload)? {
        Asked::SignUp { id } => Ok(sign_up(pool, id, now).await?),
        Asked::Reset { email, lang } => match Email::parse(&email) {
            Ok(email) => Ok(reset(pool, &email, lang, now).await?),
            Err(_) => Ok(None),
        },
    }
}

#[derive(sqlx::FromRow)]
struct Applied {
    email: String,
    first_name: String,
    last_name: String,
    lang: String,
    is_member: bool,
}

async fn sign_up(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Option<AccountLetter>, sqlx::Error> {
    let token = LinkToken::random();
    let write = sqlx::query_as(
        "UPDATE sign_ups AS asked SET token_hash = $2 WHERE id = $1 AND expires_at > $3
         RETURNING email, first_name, last_name, lang,
                   EXISTS (SELECT FROM members WHERE members.email_key = asked.email_key) AS is_member",
    );
    let write = write.bind(id).bind(token.hash()).bind(now);
    let applied: Option<Applied> = db::ask(pool, async |session| write.fetch_optional(session).await).await?;
    let Some(applied) = applied else { return Ok(None) };
    Ok(Some(AccountLetter {
        email: Email::parse(&applied.email).map_err(super::unreadable)?,
        first_name: PersonName::parse(&applied.first_name).map_err(super::unreadable)?,
        last_name: PersonName::parse(&applied.last_name).map_err(super::unreadable)?,
        lang: applied.lang,
        says: if applied.is_member { Says::HasAccount } else { Says::Confirm(token) },
    }))
}

async fn reset(
    pool: &PgPool,
    email: &Email,
    lang: String,
    now: DateTime<Utc>,
) -> Result<Option<AccountLetter>, sqlx::Error> {
    let found = by_email(pool, email).await?.map(|(member, _)| member);
    // Who is kept out gets no way around it.
    let found = found.filter(|member| member.disabled_at.is_none());
    let Some(Member { id, email, first_name, last_name, .. }) = found else { return Ok(None) };
    let token = LinkToken::random();
    // Whose links are that many has one at hand: none is made void, and no further mail written.
    let keep = sqlx::query(
        "INSERT INTO password_resets (member_id, token_hash, expires_at)
         SELECT $1, $2, $3
          WHERE (SELECT count(*) FROM password_resets WHERE member_id = $1 AND expires_at > $5) < $4",
    );
    let keep = keep.bind(id.0).bind(token.hash()).bind(later(now, recovery::LINK_LASTS));
    let keep = keep.bind(recovery::MAX_LINKS).bind(now);
    if db::ask(pool, async |session| keep.execute(session).await).await?.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(AccountLetter { email, first_name, last_name, lang, says: Says::Reset(token) }))
}
