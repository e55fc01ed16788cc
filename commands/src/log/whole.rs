//! Reading the log as a whole and at single places, as no follower does: for those who prove that it is what readers
//! rely on.

use super::read::READ_BYTES;
use super::stored::COLUMNS;
use super::{Log, LogError, StoredEvent};
use crate::db;
use chrono::{DateTime, Utc};
use domain::ids::EventId;
use domain::{AggregateType, Position};
use futures::TryStreamExt;
use sqlx::FromRow;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

/// Where an event stands in its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct StreamPlace {
    /// The kind of its aggregate, as it is stored.
    pub aggregate_type: String,
    /// Its aggregate's id.
    pub aggregate_id: String,
    /// Its place within its aggregate, from 1.
    pub sequence: u64,
}

/// An event without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOutline {
    /// Its id.
    pub event_id: EventId,
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream.
    pub place: StreamPlace,
}

impl<'r> FromRow<'r, PgRow> for EventOutline {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            event_id: EventId(row.try_get(0)?),
            position: Position::from_i64(row.try_get(1)?),
            place: StreamPlace {
                aggregate_type: row.try_get(2)?,
                aggregate_id: row.try_get(3)?,
                sequence: row.try_get::<i64, _>(4)?.unsigned_abs(),
            },
        })
    }
}

/// Events of some types, in order.
#[derive(Debug)]
pub struct TypedEvents {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// They are complete up to here.
    pub up_to: Position,
}

/// An event as it comes to whoever follows its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKey {
    /// Its place in the log.
    pub position: Position,
    /// Its aggregate's id.
    pub aggregate_id: String,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
}

const OUTLINE: &str = "e.event_id, e.position, e.aggregate_type, e.aggregate_id, e.sequence";

impl Log {
    /// The places behind `after` that hold an event, none beyond `up_to`, and when each was written down.
    pub(crate) async fn read_times(
        &self,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<Vec<(Position, DateTime<Utc>)>, LogError> {
        let sql = "SELECT position, recorded_at FROM events WHERE position > $1 AND position <= $2
                    ORDER BY position LIMIT $3";
        let query = sqlx::query_as(sql).bind(after.as_i64()).bind(up_to.as_i64()).bind(i64::from(limit_rows));
        let rows: Vec<(i64, DateTime<Utc>)> =
            db::ask(self.pool(), async |session| query.fetch_all(session).await).await?;
        Ok(rows.into_iter().map(|(position, at)| (Position::from_i64(position), at)).collect())
    }

    /// The events behind `after` in the order of streams: all of one aggregate, then all of the next. None whose
    /// position is beyond `up_to`; at most `limit_rows`, and about 4 MB. Empty at the end.
    pub(crate) async fn read_by_stream(
        &self,
        after: &StreamPlace,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events
              WHERE (aggregate_type, aggregate_id, sequence) > ($1, $2, $3) AND position <= $4
              ORDER BY aggregate_type, aggregate_id, sequence LIMIT $5"
        );
        let query = sqlx::query(&sql)
            .bind(&after.aggregate_type)
            .bind(&after.aggregate_id)
            .bind(after.sequence.cast_signed())
            .bind(up_to.as_i64())
            .bind(i64::from(limit_rows));
        Ok(self.read_bounded(query).await?.0)
    }

    /// The events of these types among the next `limit_positions` positions behind `after`, none beyond `up_to`; about
    /// 4 MB.
    ///
    /// Bounded by what is looked at, not by what is found: however rare a type is, no statement goes through the whole
    /// log.
    pub async fn read_types(
        &self,
        types: &[&str],
        after: Position,
        up_to: Position,
        limit_positions: u64,
    ) -> Result<TypedEvents, LogError> {
        let end = Position(after.0.saturating_add(limit_positions).min(up_to.0));
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE position > $1 AND position <= $2 AND event_type = ANY($3) ORDER BY position"
        );
        let query = sqlx::query(&sql)
            .bind(after.as_i64())
            .bind(end.as_i64())
            .bind(db::column(types, |name| (*name).to_owned()));
        let (events, is_cut) = self.read_bounded(query).await?;
        let last = events.last().map(|event| event.position).filter(|_| is_cut);
        Ok(TypedEvents { events, up_to: last.unwrap_or(end) })
    }

    /// The events at these positions, those that there are, in any order.
    pub async fn read_at(&self, positions: &[Position]) -> Result<Vec<StoredEvent>, LogError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE position = ANY($1)");
        let query = sqlx::query_as(&sql).bind(bigints(positions));
        Ok(db::ask(self.pool(), async |session| query.fetch_all(session).await).await?)
    }

    /// The outlines of the events at these positions, those that there are, in order.
    pub async fn outlines_at(&self, positions: &[Position]) -> Result<Vec<EventOutline>, LogError> {
        let sql = format!("SELECT {OUTLINE} FROM events AS e WHERE e.position = ANY($1) ORDER BY e.position");
        let query = sqlx::query_as(&sql).bind(bigints(positions));
        Ok(db::ask(self.pool(), async |session| query.fetch_all(session).await).await?)
    }

    /// The outlines of the events at these places of their streams, those that there are, in any order.
    pub async fn outlines_in(&self, places: &[&StreamPlace]) -> Result<Vec<EventOutline>, LogError> {
        let sql = format!(
            "SELECT {OUTLINE}
               FROM (SELECT unnest($1::text[]) AS kind, unnest($2::text[]) AS id, unnest($3::bigint[]) AS sequence) AS w
               JOIN events AS e ON e.aggregate_type = w.kind AND e.aggregate_id = w.id AND e.sequence = w.sequence"
        );
        let query = sqlx::query_as(&sql)
            .bind(db::column(places, |place| place.aggregate_type.as_str()))
            .bind(db::column(places, |place| place.aggregate_id.as_str()))
            .bind(db::column(places, |place| place.sequence.cast_signed()));
        Ok(db::ask(self.pool(), async |session| query.fetch_all(session).await).await?)
    }

    /// The next events of a kind behind `after`, in order: at most `limit_rows`.
    pub async fn keys_behind(
        &self,
        kind: AggregateType,
        after: Position,
        limit_rows: u32,
    ) -> Result<Vec<EventKey>, LogError> {
        let rows: Vec<(i64, String, DateTime<Utc>)> = db::read(self.pool(), async |session| {
            // Planned anew each time: what is best for a kind of few events is not for one of many.
            sqlx::query_as(
                "SELECT position, aggregate_id, recorded_at FROM events WHERE aggregate_type = $1 AND position > $2
                  ORDER BY position LIMIT $3",
            )
            .bind(kind.as_str())
            .bind(after.as_i64())
            .bind(i64::from(limit_rows))
            .persistent(false)
            .fetch_all(session)
            .await
        })
        .await?;
        let key = |(position, aggregate_id, recorded_at)| EventKey {
            position: Position::from_i64(position),
            aggregate_id,
            recorded_at,
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// The rows, and whether there may be more of them than one read takes in.
    pub(super) async fn read_bounded(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<(Vec<StoredEvent>, bool), LogError> {
        db::ask(self.pool(), async |session| {
            let mut rows = query.fetch(session);
            let (mut events, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.try_next().await? {
                let event = StoredEvent::from_row(&row)?;
                bytes += event.size_bytes();
                events.push(event);
                if bytes > READ_BYTES {
                    return Ok((events, true));
                }
            }
            Ok((events, false))
        })
        .await
    }
}

fn bigints(positions: &[Position]) -> Vec<i64> {
    positions.iter().map(|position| position.as_i64()).collect()
}
