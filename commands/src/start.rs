//! Where a reader of the log begins when it is started for the first time.

use crate::log::{Log, LogError};
use chrono::{DateTime, Utc};
use domain::Position;

/// Where a projection or a consumer begins. Decided once, at its first start, and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first event ever.
    Origin,
    /// With what comes from now on.
    Now,
    /// With what was recorded at that time or later. One that is to come is refused: it is no position yet.
    Time(DateTime<Utc>),
    /// Behind that position. One that the log has not reached is refused.
    Position(Position),
}

/// Why a reader can't begin where it is declared to, yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Nobody knows which events will be behind it.
    #[error(
        "its START is the time {wanted}, which has not passed: by the database's clock it is {now}; start it when it has, or \
         declare another START"
    )]
    TimeToCome {
        /// What is declared.
        wanted: DateTime<Utc>,
        /// What the clock that gives events their times says.
        now: DateTime<Utc>,
    },
    /// The log does not have the position.
    #[error(
        "its START is behind position {wanted}, which the log has not reached: it ends at {head}; start it when it has, or \
         declare another START"
    )]
    BeyondHead {
        /// What is declared.
        wanted: Position,
        /// Where the log ends.
        head: Position,
    },
}

impl Start {
    /// The position behind which it begins, as of this moment.
    pub async fn position(self, log: &Log) -> Result<Position, LogError> {
        match self {
            Self::Origin => Ok(Position::ORIGIN),
            Self::Now => log.head().await,
            Self::Time(wanted) => {
                // Else what is recorded before it, from now on, would be handled.
                if let Err(now) = log.has_passed(wanted).await? {
                    return Err(StartError::TimeToCome { wanted, now }.into());
                }
                log.position_at(wanted).await
            }
            Self::Position(wanted) => {
                let head = log.head().await?;
                // Who goes on from a position that the log lacks takes the log for restored.
                if wanted > head {
                    return Err(StartError::BeyondHead { wanted, head }.into());
                }
                Ok(wanted)
            }
        }
    }
}
