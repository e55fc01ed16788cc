//! Reading the ledger as a whole.

use crate::ledger::{LedgerError, State};
use commands::{EventOutline, StreamPlace};
use domain::Position;
use domain::ids::EventId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use uuid::Uuid;

/// An entry, and the event that it names.
#[derive(Debug, Clone)]
pub(super) struct LedgerEntry {
    pub(super) id: i64,
    pub(super) recipient: Uuid,
    /// `None` for a state that this program does not know.
    pub(super) state: Option<State>,
    pub(super) event: EventOutline,
    pub(super) event_type: String,
}

const COLUMNS: &str = "id, recipient, state, event_id, position, aggregate_type, aggregate_id, sequence, event_type";

impl<'r> FromRow<'r, PgRow> for LedgerEntry {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            recipient: row.try_get(1)?,
            state: State::parse(row.try_get(2)?),
            event: EventOutline {
                event_id: EventId(row.try_get(3)?),
                position: Position::from_i64(row.try_get(4)?),
                place: StreamPlace {
                    aggregate_type: row.try_get(5)?,
                    aggregate_id: row.try_get(6)?,
                    sequence: row.try_get::<i64, _>(7)?.unsigned_abs(),
                },
            },
            event_type: row.try_get(8)?,
        })
    }
}

/// All entries of a consumer for these events.
pub(super) async fn of_events(
    pool: &PgPool,
    consumer: &str,
    events: &[EventId],
) -> Result<Vec<LedgerEntry>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM consumer_ledger WHERE consumer = $1 AND event_id = ANY($2) ORDER BY id");
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    Ok(sqlx::query_as(&sql).bind(consumer).bind(events).fetch_all(pool).await?)
}

/// The entries of a consumer behind `after`, none beyond `up_to`, by their ids.
pub(super) async fn page(
    pool: &PgPool,
    consumer: &str,
    after: i64,
    up_to: i64,
    limit_rows: i64,
) -> Result<Vec<LedgerEntry>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM consumer_ledger WHERE consumer = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4"
    );
    Ok(sqlx::query_as(&sql).bind(consumer).bind(after).bind(up_to).bind(limit_rows).fetch_all(pool).await?)
}

/// The highest id by now.
pub(super) async fn last(pool: &PgPool) -> Result<i64, LedgerError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM consumer_ledger").fetch_one(pool).await?;
    Ok(last.unwrap_or(0))
}
