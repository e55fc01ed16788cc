//! Counting restores.
//!
//! Nothing in a restored database tells that it was restored: whoever did that says so, as the owner of the tables.
//! From then on what is kept elsewhere of the history that is gone (Kafka's topics) is told from this one, and so are
//! views.

use super::{LogError, LogIdentity};
use crate::db;
use domain::Position;
use sqlx::PgPool;
use uuid::Uuid;

/// Which log a database holds, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// Which log, in which epoch.
    pub identity: LogIdentity,
    /// The position of its last event.
    pub head: Position,
}

/// What became of [`new_epoch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewEpoch {
    /// It has begun.
    Begun(LogEnd),
    /// The log ends elsewhere than was said: nothing was changed.
    EndsElsewhere(LogEnd),
}

/// Looks which log a database holds, and where it ends. For any login that may read it.
pub async fn log_end(pool: &PgPool) -> Result<LogEnd, LogError> {
    let ask = sqlx::query_as(
        "SELECT log_id, epoch, coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0) FROM log_head",
    );
    Ok(db::ask(pool, async |session| ask.fetch_one(session).await).await.map(end)?)
}

/// Begins a new epoch of a log that was restored to an earlier point and ends at `head`. `pool` is its owner's.
///
/// Processes that are at work on the log give up; readers of it that keep a place elsewhere, or keep one in the old
/// epoch, refuse it until they are set up anew.
pub async fn new_epoch(pool: &PgPool, head: Position) -> Result<NewEpoch, LogError> {
    let mut transaction = pool.begin().await?;
    // In the place of an append, so that the end stays where it is.
    let before: (Uuid, i64, i64) =
        sqlx::query_as("SELECT log_id, epoch, coalesce((log_lock()).last_position, 0) FROM log_head")
            .fetch_one(&mut *transaction)
            .await?;
    let before = end(before);
    if before.head != head {
        transaction.rollback().await?;
        return Ok(NewEpoch::EndsElsewhere(before));
    }
    let (log_id, epoch): (Uuid, i64) = sqlx::query_as("UPDATE log_head SET epoch = epoch + 1 RETURNING log_id, epoch")
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(NewEpoch::Begun(end((log_id, epoch, head.as_i64()))))
}

fn end((log_id, epoch, head): (Uuid, i64, i64)) -> LogEnd {
    LogEnd { identity: LogIdentity { log_id, epoch: epoch.unsigned_abs() }, head: Position::from_i64(head) }
}
