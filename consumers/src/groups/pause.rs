//! Having a group rest, and go on. Its members stay in the group meanwhile; what they have begun comes to its end.

use super::{GroupError, declared};
use commands::audit::{self, Action};
use commands::db;
use serde_json::json;
use sqlx::{Connection, PgPool};
use std::time::Duration;

/// The most characters of the reason for a pause.
pub const MAX_REASON_CHARS: usize = 500;
/// How long an instruction may take to be written down.
pub(super) const INSTRUCT_AT_MOST: Duration = Duration::from_secs(5);

/// What came of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Instructed {
    /// It holds from now on.
    Done,
    /// It was so already.
    AlreadySo,
}

/// Has a group rest until it is resumed, for a reason that others can read: without personal data, cut after 500
/// characters. The reason of one that is paused already stays.
pub async fn pause(pool: &PgPool, name: &str, reason: &str, who: &str) -> Result<Instructed, GroupError> {
    let name = known(pool, name).await?;
    let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
    let paused = db::work(pool, INSTRUCT_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let paused = sqlx::query(
            "UPDATE consumer_groups SET paused_at = now(), paused_by = $2, pause_reason = $3
              WHERE consumer = $1 AND paused_at IS NULL",
        );
        let paused = paused.bind(name).bind(who).bind(&reason).execute(&mut *transaction).await?;
        if paused.rows_affected() == 0 {
            return Ok(Instructed::AlreadySo);
        }
        let action = Action { arguments: json!({ "reason": reason }), ..Action::done(who, "consumer.pause", name) };
        audit::append(&mut transaction, &action).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(Instructed::Done)
    });
    Ok(paused.await?)
}

/// Has a group go on.
pub async fn resume(pool: &PgPool, name: &str, who: &str) -> Result<Instructed, GroupError> {
    let name = known(pool, name).await?;
    let resumed = db::work(pool, INSTRUCT_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let resumed = sqlx::query(
            "UPDATE consumer_groups SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
              WHERE consumer = $1 AND paused_at IS NOT NULL",
        );
        let resumed = resumed.bind(name).execute(&mut *transaction).await?;
        if resumed.rows_affected() == 0 {
            return Ok(Instructed::AlreadySo);
        }
        audit::append(&mut transaction, &Action::done(who, "consumer.resume", name)).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(Instructed::Done)
    });
    Ok(resumed.await?)
}

/// The name of a consumer that was started once.
async fn known(pool: &PgPool, name: &str) -> Result<&'static str, GroupError> {
    let name = declared(name)?.name;
    match super::rows::known(pool, name).await? {
        Some(_) => Ok(name),
        None => Err(GroupError::NotStarted(name.to_owned())),
    }
}
