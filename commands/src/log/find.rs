//! Where the events stand that a question is about, without what is in them.
//!
//! An answer's end is told before its first byte, and a filter with a limit ends where only a look tells. Positions are
//! all that such a look needs: the events are read afterwards, each once, by their positions.

use super::filter::{LOOK, scan_end};
use super::stored::COLUMNS;
use super::{EventFilter, FilteredEvents, Log, LogError, StoredEvent};
use crate::db;
use domain::{AggregateType, Position};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use std::sync::Arc;

/// Where the next events stand that a filter may let through, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct FoundPositions {
    /// The positions. What stands there may turn out to be another thing once it is read.
    pub positions: Vec<Position>,
    /// They are complete up to here.
    pub up_to: Position,
}

impl Log {
    /// Where the events stand behind `after` that `filter` may let through, none beyond `up_to`, which the log must
    /// have reached: at most `limit_rows`. No statement goes through the whole log, as with [`Log::read_filtered`].
    pub async fn find_filtered(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<FoundPositions, LogError> {
        if after >= up_to {
            return Ok(FoundPositions { positions: Vec::new(), up_to: after });
        }
        if self.is_in_memory(after) {
            let FilteredEvents { events, up_to } = self.look_in_memory(filter, after, up_to, limit_rows).await?;
            return Ok(FoundPositions { positions: events.iter().map(|event| event.position).collect(), up_to });
        }
        let Some(order) = filter.order else {
            let end = scan_end(after, up_to);
            let sql = format!("SELECT position FROM events WHERE {LOOK} ORDER BY position LIMIT $6");
            return self.find(filter.bind(sqlx::query(&sql), after, end, limit_rows), end, limit_rows).await;
        };
        // In a stream events stand in the order of positions.
        let sql = format!(
            "SELECT position FROM events WHERE {LOOK} AND aggregate_type = $7 AND aggregate_id = $8
              ORDER BY sequence LIMIT $6"
        );
        let query = filter.bind(sqlx::query(&sql), after, up_to, limit_rows);
        let query = query.bind(AggregateType::Order.as_str()).bind(order.to_string());
        self.find(query, up_to, limit_rows).await
    }

    async fn find(
        &self,
        query: Query<'_, Postgres, PgArguments>,
        end: Position,
        limit_rows: u32,
    ) -> Result<FoundPositions, LogError> {
        self.check_history()?;
        let rows = db::ask(self.pool(), async |session| query.fetch_all(session).await).await?;
        let positions = rows.iter().map(|row| row.try_get(0).map(Position::from_i64));
        let positions: Vec<Position> = positions.collect::<Result<_, sqlx::Error>>()?;
        let is_cut = positions.len() >= limit_rows as usize;
        let up_to = positions.last().copied().filter(|_| is_cut).unwrap_or(end);
        Ok(FoundPositions { positions, up_to })
    }

    /// What stands at positions that were found, in order, if `filter` lets it through: about 4 MB, so perhaps not all
    /// of it. Where it is complete up to `after` still, nothing stands there.
    pub async fn read_found(
        &self,
        filter: &EventFilter,
        after: Position,
        positions: &[Position],
    ) -> Result<FilteredEvents, LogError> {
        let read = match self.found_in_memory(positions) {
            Some(events) => events,
            None => {
                self.check_history()?;
                let sql = format!("SELECT {COLUMNS} FROM events WHERE position = ANY($1) ORDER BY position");
                let positions: Vec<i64> = positions.iter().map(|position| position.as_i64()).collect();
                let (events, _) = self.read_bounded(sqlx::query(&sql).bind(positions)).await?;
                events.into_iter().map(Arc::new).collect()
            }
        };
        let up_to = read.last().map_or(after, |last| last.position);
        Ok(FilteredEvents { events: read.into_iter().filter(|event| filter.matches(event)).collect(), up_to })
    }

    /// The same where all of it is in memory.
    fn found_in_memory(&self, positions: &[Position]) -> Option<Vec<Arc<StoredEvent>>> {
        let (first, last) = (positions.first()?, positions.last()?);
        let before = Position(first.0.checked_sub(1)?);
        let span = usize::try_from(last.0 - before.0).ok()?;
        let mut events = self.shared.recent.behind(before, span)?;
        if events.last()?.position < *last {
            return None;
        }
        events.retain(|event| positions.binary_search(&event.position).is_ok());
        Some(events)
    }
}
