//! Reading the log.

use super::stored::COLUMNS;
use super::{Log, LogError, StoredEvent};
use crate::db;
use domain::{AggregateType, Position};
use futures::TryStreamExt;
use sqlx::{FromRow, Row};
use std::sync::Arc;
use std::time::Duration;

/// Where one read ends, about, so that a page of huge orders stays bounded in memory.
pub(super) const READ_BYTES: usize = 4 << 20;

/// The most events of products that one read takes in.
const PRODUCT_ROWS: i64 = 5_000;

/// Events of products, in order.
pub(crate) struct ProductEvents {
    pub events: Vec<StoredEvent>,
    /// They are complete up to here.
    pub up_to: Position,
    /// Whether that is the head of the log.
    pub is_all: bool,
}

impl Log {
    /// The events behind `after`, in order: at most `limit_rows`, and about 4 MB. Empty means that there are none yet.
    pub async fn read(&self, after: Position, limit_rows: u32) -> Result<Vec<Arc<StoredEvent>>, LogError> {
        self.check_history()?;
        let recent = &self.shared.recent;
        if let Some(events) = recent.behind(after, limit_rows as usize) {
            return Ok(events);
        }
        if after < self.tail_start() {
            return self.read_stored(after, limit_rows).await;
        }
        let _reading = db::within(db::ANSWER_AT_MOST, recent.reading_tail.lock()).await?;
        if let Some(events) = recent.behind(after, limit_rows as usize) {
            return Ok(events);
        }
        let events = self.read_stored(after, limit_rows).await?;
        recent.remember(&events);
        if let Some(last) = events.last() {
            self.shared.history.saw(last.position, last.event_id);
            self.heard_of(last.position);
        }
        Ok(events)
    }

    /// A reader this far back catches up by itself: what it reads is not what the others read next.
    fn tail_start(&self) -> Position {
        Position(self.known_head().0.saturating_sub(4_096))
    }

    async fn read_stored(&self, after: Position, limit_rows: u32) -> Result<Vec<Arc<StoredEvent>>, LogError> {
        let seen = self.shared.history.newest()?;
        let sql = format!(
            "SELECT {COLUMNS}, (SELECT event_id FROM events WHERE position = $3) AS known
               FROM events WHERE position > $1 ORDER BY position LIMIT $2"
        );
        db::read(self.pool(), async |session| {
            let query = sqlx::query(&sql).bind(after.as_i64()).bind(i64::from(limit_rows));
            let mut rows = query.bind(seen.position.as_i64()).fetch(session);
            let mut events = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.try_next().await? {
                if events.is_empty() {
                    self.shared.history.compare(seen, row.try_get("known")?)?;
                }
                let event = StoredEvent::from_row(&row)?;
                bytes += event.size_bytes();
                events.push(Arc::new(event));
                if bytes > READ_BYTES {
                    break;
                }
            }
            Ok(events)
        })
        .await
    }

    /// Waits until the log is known to reach beyond `after`, at most `at_most`; returns the known head.
    pub async fn wait_beyond(&self, after: Position, at_most: Duration) -> Position {
        let mut head = self.watch_head();
        // Neither a time-out nor a closed channel is news: the caller looks at the position.
        let _ = tokio::time::timeout(at_most, head.wait_for(|head| *head > after)).await;
        self.known_head()
    }

    /// The events of one aggregate from the one that has the number `from_sequence`, in order; the first has 1.
    pub async fn read_stream(
        &self,
        kind: AggregateType,
        id: &str,
        from_sequence: u64,
    ) -> Result<Vec<Arc<StoredEvent>>, LogError> {
        self.shared.streams.read(kind, id, from_sequence).await
    }

    /// One event, found by its stream and its sequence there.
    pub async fn read_event(&self, kind: &str, id: &str, sequence: u64) -> Result<Option<StoredEvent>, LogError> {
        let sql =
            format!("SELECT {COLUMNS} FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3");
        let read = db::read(self.pool(), async |session| {
            sqlx::query_as(&sql).bind(kind).bind(id).bind(Position(sequence).as_i64()).fetch_optional(session).await
        });
        Ok(read.await?)
    }

    /// The next events of products behind `after`.
    ///
    /// In one statement, so that the head that they are complete up to is of the same snapshot.
    pub(crate) async fn read_products(&self, after: Position) -> Result<ProductEvents, LogError> {
        let seen = self.shared.history.newest()?;
        // The kind is written out: a parameter would keep the planner from the products' own index.
        let sql = format!(
            "SELECT product.*, coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0) AS head,
                    (SELECT event_id FROM events WHERE position = $3) AS known
               FROM (SELECT 1) AS always
               LEFT JOIN LATERAL (SELECT {COLUMNS} FROM events WHERE aggregate_type = 'product' AND position > $1
                                   ORDER BY position LIMIT $2) AS product ON true
              ORDER BY product.position"
        );
        let rows = db::read(self.pool(), async |session| {
            let query = sqlx::query(&sql).bind(after.as_i64()).bind(PRODUCT_ROWS);
            query.bind(seen.position.as_i64()).fetch_all(session).await
        })
        .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            // Without any product there is one row all the same, for the head.
            if row.try_get::<Option<i64>, _>("position")?.is_some() {
                events.push(StoredEvent::from_row(row)?);
            }
        }
        let Some(first) = rows.first() else { return Err(sqlx::Error::RowNotFound.into()) };
        self.shared.history.compare(seen, first.try_get("known")?)?;
        let head = Position::from_i64(first.try_get("head")?);
        self.heard_of(head);
        let is_all = events.len() < PRODUCT_ROWS.unsigned_abs() as usize;
        let up_to = if is_all { head } else { events.last().map_or(head, |last| last.position) };
        Ok(ProductEvents { events, up_to, is_all })
    }
}
