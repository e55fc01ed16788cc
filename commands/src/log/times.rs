//! When events were recorded.

use super::{Log, LogError};
use crate::db;
use chrono::{DateTime, Utc};
use domain::Position;
use std::collections::HashMap;

impl Log {
    /// When the events at these positions were recorded; those that the log does not have are left out. Each is looked
    /// up by index, so ask for few.
    pub async fn recorded_at(&self, positions: &[Position]) -> Result<HashMap<Position, DateTime<Utc>>, LogError> {
        let wanted: Vec<i64> = positions.iter().map(|position| position.as_i64()).collect();
        let found: Vec<(i64, DateTime<Utc>)> = db::read(self.pool(), async |session| {
            let ask = sqlx::query_as("SELECT position, recorded_at FROM events WHERE position = ANY($1)");
            ask.bind(&wanted).fetch_all(session).await
        })
        .await?;
        Ok(found.into_iter().map(|(position, at)| (Position::from_i64(position), at)).collect())
    }
}
