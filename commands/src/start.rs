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
    /// With what was recorded at that time or later.
    Time(DateTime<Utc>),
    /// Behind that position.
    Position(Position),
}

impl Start {
    /// The position behind which it begins, as of this moment.
    pub async fn position(self, log: &Log) -> Result<Position, LogError> {
        match self {
            Self::Origin => Ok(Position::ORIGIN),
            Self::Now => log.head().await,
            Self::Time(time) => log.position_at(time).await,
            Self::Position(position) => Ok(position),
        }
    }
}
