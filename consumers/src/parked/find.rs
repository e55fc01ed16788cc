//! Which items need a person, or wait.

use super::{PAGE_ITEMS, Parked};
use crate::ledger::{LedgerError, State};
use commands::db;
use sqlx::{PgPool, Postgres, QueryBuilder};

/// How many items are counted at most: behind a mail server that is away for hours millions wait.
pub const COUNTED_AT_MOST: u64 = 100_000;

/// Which items are asked for. What is `None` asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this consumer.
    pub consumer: Option<String>,
    /// Those of this aggregate, such as an order's id.
    pub aggregate_id: Option<String>,
    /// Those that events of this type call for.
    pub event_type: Option<String>,
    /// Those whose reason holds this text, in upper or lower case.
    pub reason: Option<String>,
    /// Those in this state: [`State::Parked`], [`State::Unknown`] or [`State::Waiting`]. Without, those that need a
    /// person: the first two.
    pub state: Option<State>,
}

impl Filter {
    /// Whether it asks for nothing, so that all items are meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it asks for what waits. Such items come and go by themselves.
    pub fn is_of_waiting(&self) -> bool {
        self.state == Some(State::Waiting)
    }

    /// The condition on `entry`, a row of the ledger.
    pub(super) fn push_to(&self, sql: &mut QueryBuilder<'_, Postgres>) {
        // The states are written out: so the indexes of what needs a person, and of what is open, serve.
        sql.push(if self.is_of_waiting() { "entry.state = 'waiting'" } else { "entry.state IN ('parked', 'unknown')" });
        let texts = [
            ("entry.consumer", &self.consumer),
            ("entry.aggregate_id", &self.aggregate_id),
            ("entry.event_type", &self.event_type),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                sql.push(format_args!(" AND {column} = ")).push_bind(text.clone());
            }
        }
        if let Some(reason) = &self.reason {
            sql.push(" AND position(lower(").push_bind(reason.clone()).push(") IN lower(entry.reason)) > 0");
        }
        if let Some(state) = self.state {
            sql.push(" AND entry.state = ").push_bind(state.as_str());
        }
    }
}

/// All items behind the id `after`; see [`list_of`].
pub async fn list(pool: &PgPool, after: i64, limit: u32) -> Result<Vec<Parked>, LedgerError> {
    list_of(pool, &Filter::default(), after, limit).await
}

/// Those items behind the id `after` (0 for the first page), by id: at most `limit`, and at most [`PAGE_ITEMS`].
pub async fn list_of(pool: &PgPool, filter: &Filter, after: i64, limit: u32) -> Result<Vec<Parked>, LedgerError> {
    let read = db::read(pool, async |session| {
        let mut sql = QueryBuilder::new(SELECT);
        sql.push(" WHERE ");
        filter.push_to(&mut sql);
        sql.push(" AND entry.id > ").push_bind(after);
        sql.push(" ORDER BY entry.id LIMIT ").push_bind(i64::from(limit.min(PAGE_ITEMS)));
        sql.build_query_as().fetch_all(session).await
    });
    read.await.map_err(LedgerError::Sql)
}

/// How many items there are; where there are more than [`COUNTED_AT_MOST`], one more than that.
pub async fn count(pool: &PgPool, filter: &Filter) -> Result<u64, LedgerError> {
    let read = db::read(pool, async |session| {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT FROM consumer_ledger AS entry WHERE ");
        filter.push_to(&mut sql);
        sql.push(" LIMIT ").push_bind((COUNTED_AT_MOST + 1).cast_signed()).push(") AS counted");
        sql.build_query_scalar::<i64>().fetch_one(session).await
    });
    Ok(read.await.map_err(LedgerError::Sql)?.unsigned_abs())
}

/// Items as [`Parked`] reads them.
pub(super) const SELECT: &str = "
    SELECT entry.*, held.holds,
           CASE WHEN entry.state = 'waiting' AND entry.due_at < 'infinity' THEN entry.due_at END AS next_at
      FROM consumer_ledger AS entry
     CROSS JOIN LATERAL (SELECT count(*) AS holds FROM consumer_ledger AS later
           WHERE entry.state IN ('parked', 'waiting') AND later.consumer = entry.consumer
             AND later.aggregate_type = entry.aggregate_type AND later.aggregate_id = entry.aggregate_id
             AND later.sequence > entry.sequence AND later.state = 'waiting') AS held";
