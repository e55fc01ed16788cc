//! A moment of the log's life, and where it is: all that was written down by then, and nothing that came later.
//!
//! What was written down up to a moment never changes, so whatever is folded up to it is the same for ever. That holds
//! for a time only once no event can be recorded at it, or before it, any more.

use super::{Log, LogError, StoredEvent};
use crate::db;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Position;
use sqlx::PgConnection;
use std::time::{Duration, Instant};

/// How long the first look at appends under way is waited upon. Each further one waits twice as long.
const PAUSE_AT_FIRST: Duration = Duration::from_millis(2);
/// The longest of these pauses.
const PAUSE_AT_MOST: Duration = Duration::from_millis(50);

/// A moment, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When the log ended at this position.
    Position(Position),
    /// When everything recorded at this time or before it was there. By [`StoredEvent::recorded_at`]: an event may have
    /// occurred earlier than it was recorded.
    Time(DateTime<Utc>),
}

/// Where a moment is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The position of the last event of that moment; the origin before the first.
    pub position: Position,
    /// When that event was recorded.
    pub recorded_at: Option<DateTime<Utc>>,
    /// When it occurred, as whoever made it says; none as well where that can't be read.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// Why there is nothing to say of a moment.
#[derive(Debug, thiserror::Error)]
pub enum MomentError {
    /// The log has not reached that position.
    #[error("position {wanted} is beyond the end of the log, which is at {head}")]
    BeyondHead {
        /// What was asked for.
        wanted: Position,
        /// Where the log ends.
        head: Position,
    },
    /// Events may still be recorded at that time.
    #[error("{wanted} has not passed: by the database's clock it is {now}")]
    Future {
        /// What was asked for.
        wanted: DateTime<Utc>,
        /// What the clock that gives events their times says.
        now: DateTime<Utc>,
    },
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Log {
    /// Finds a moment that has passed.
    pub async fn locate(&self, moment: Moment) -> Result<AsOf, MomentError> {
        let position = match moment {
            Moment::Position(wanted) => {
                // What is known to be there need not be asked for.
                if wanted > self.known_head() {
                    let head = self.head().await?;
                    if wanted > head {
                        return Err(MomentError::BeyondHead { wanted, head });
                    }
                }
                wanted
            }
            Moment::Time(time) => {
                self.check_passed(time).await?;
                // The database keeps microseconds: what is recorded up to `time` is recorded before the next one.
                let next = time.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(time);
                self.position_at(next).await?
            }
        };
        let last = self.read_at(&[position]).await?;
        let last = last.first();
        let (recorded_at, occurred_at) = (last.map(|event| event.recorded_at), last.and_then(StoredEvent::occurred_at));
        Ok(AsOf { position, recorded_at, occurred_at })
    }

    /// Refuses a time at which events may still be recorded.
    async fn check_passed(&self, wanted: DateTime<Utc>) -> Result<(), MomentError> {
        self.has_passed(wanted).await?.map_err(|now| MomentError::Future { wanted, now })
    }

    /// Makes sure that no event is recorded at that time, or before it, any more. Else says what time it is by the
    /// database's clock.
    pub(crate) async fn has_passed(&self, wanted: DateTime<Utc>) -> Result<Result<(), DateTime<Utc>>, LogError> {
        let head = self.head().await?;
        let last = self.read_at(&[head]).await?;
        if last.first().is_some_and(|event| wanted < event.recorded_at) {
            // Times never run backwards along positions.
            return Ok(Ok(()));
        }
        let ask = async |session: &mut PgConnection| {
            sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(session).await.map_err(LogError::from)
        };
        let now: DateTime<Utc> = db::read(self.pool(), ask).await?;
        if wanted >= now {
            return Ok(Err(now));
        }
        self.wait_for_appends().await.map(Ok)
    }

    /// Waits until all that were appending when this was called are done.
    ///
    /// An append opens `log_head` before it reads the clock, and lets go of it once its commit can be seen: PostgreSQL
    /// keeps a table's lock until then. So whoever has read a time before this call finds nothing new at it afterwards.
    /// Nothing is locked here, as a lock on the row would be kept through a flush, and all writers would wait for it.
    async fn wait_for_appends(&self) -> Result<(), LogError> {
        let began = self.appending().await?;
        let (mut left, started, mut pause) = (began.clone(), Instant::now(), PAUSE_AT_FIRST);
        while !left.is_empty() {
            if started.elapsed() >= db::ANSWER_AT_MOST {
                return Err(db::timed_out().into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_AT_MOST);
            left = self.appending().await?;
            left.retain(|append| began.contains(append));
        }
        Ok(())
    }

    /// The transactions that append, or wait to, each by a name of its own.
    async fn appending(&self) -> Result<Vec<String>, LogError> {
        let ask = async |session: &mut PgConnection| {
            sqlx::query_scalar(
                "SELECT DISTINCT virtualtransaction FROM pg_locks
                  WHERE locktype = 'relation' AND relation = 'log_head'::regclass AND granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND mode IN ('RowShareLock', 'RowExclusiveLock')",
            )
            .fetch_all(session)
            .await
            .map_err(LogError::from)
        };
        db::read(self.pool(), ask).await
    }
}
