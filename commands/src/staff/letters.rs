//! The mail that brings a link to set a password: put into the schedule when it is asked for, written when it is sent.
//!
//! The job knows whom it is for and no secret: the link is made when the mail is written. A further attempt makes
//! another one, so that only the link of the last mail is good.

use super::{Account, links};
use crate::members::LinkToken;
use crate::schedule::{NewJob, Schedule};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// The name of the task that writes it.
pub const TASK: &str = "staff_mail";

/// The mail to somebody behind the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffLetter {
    /// To whom.
    pub account: Account,
    /// What its link holds.
    pub token: LinkToken,
}

/// Has the mail written.
pub async fn ask(schedule: &Schedule, account: Uuid) -> Result<(), sqlx::Error> {
    let key = Uuid::now_v7().to_string();
    let payload = json!({ "account": account });
    schedule.put(&NewJob { task: TASK, key: &key, payload, run_at: schedule.now() }).await.map(drop)
}

/// The mail of a job; `None` where none is called for any more: there is no such account, or it is disabled.
pub async fn write(pool: &PgPool, payload: &Value, now: DateTime<Utc>) -> Result<Option<StaffLetter>, sqlx::Error> {
    let id: Option<Uuid> = payload.get("account").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let Some(id) = id else { return Ok(None) };
    let Some(token) = links::make(pool, id, now).await? else { return Ok(None) };
    Ok(super::get(pool, id).await?.map(|account| StaffLetter { account, token }))
}
