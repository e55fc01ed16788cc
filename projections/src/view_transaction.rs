//! All that a projection is given to write with.

use crate::error::ProjectionError;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{FromRow, PgConnection, Postgres};

/// A transaction on one build's tables; unqualified names are its own.
///
/// It runs SQL and nothing else: it can neither commit nor reach a pool, so replaying history through it has no effect
/// but rows, and those commit with the checkpoint or not at all.
#[derive(Debug)]
pub struct ViewTransaction<'c> {
    connection: &'c mut PgConnection,
    time_zone: Tz,
}

impl<'c> ViewTransaction<'c> {
    pub(crate) fn new(connection: &'c mut PgConnection, time_zone: Tz) -> Self {
        Self { connection, time_zone }
    }

    /// Runs a statement; returns how many rows it touched.
    pub async fn execute(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<u64, ProjectionError> {
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Runs a query; returns all its rows.
    pub async fn fetch_all<T>(
        &mut self,
        query: QueryAs<'_, Postgres, T, PgArguments>,
    ) -> Result<Vec<T>, ProjectionError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(query.fetch_all(&mut *self.connection).await?)
    }

    /// The shop's day at `time`. Ask only where [`Projection::USES_TIME_ZONE`](crate::Projection::USES_TIME_ZONE) says
    /// so.
    pub fn day_of(&self, time: DateTime<Utc>) -> NaiveDate {
        day_of(time, self.time_zone)
    }
}

/// The day at `time` in a time zone.
pub(crate) fn day_of(time: DateTime<Utc>, time_zone: Tz) -> NaiveDate {
    time.with_timezone(&time_zone).date_naive()
}
