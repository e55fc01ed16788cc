//! Effects that an earlier one of their aggregate held, and that nothing holds any more.
//!
//! Whoever ends an effect makes due what it held, in the same statement. That misses one that is being noted at the
//! same moment. So what was noted as held is looked at again by its number ([`release`]), and from time to time all
//! that is open is gone through, piece by piece ([`release_behind`]): behind a mail server that is away for a day
//! millions of effects are held, and one look at all of them would take longer than any statement may.

use super::{LedgerError, OPEN};
use commands::db;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// How many open effects are gone through in one piece.
const PIECE_EFFECTS: i64 = 1_000;
/// How long a look may take. What it misses, a later one finds.
const LOOK_AT_MOST: Duration = Duration::from_secs(2);

/// How far it was gone through what is open, in the order of the index `consumer_ledger_open`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
}

impl Place {
    /// Before everything.
    pub(crate) const fn beginning() -> Self {
        Self { aggregate_type: String::new(), aggregate_id: String::new(), sequence: i64::MIN }
    }
}

/// What a piece came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// How many effects are due by it.
    pub released: u64,
    /// Where the next one begins; `None` where this was the last.
    pub next: Option<Place>,
}

/// Makes those of these effects due that nothing holds any more; says how many.
pub(crate) async fn release(pool: &PgPool, ids: &[i64]) -> Result<u64, LedgerError> {
    let is_free = is_free();
    let sql = format!("SELECT entry.id FROM consumer_ledger AS entry WHERE entry.id = ANY($1) AND {is_free}");
    let question = sqlx::query_scalar::<_, i64>(&sql).bind(ids);
    let released: Result<u64, sqlx::Error> = db::work(pool, LOOK_AT_MOST, async move |session| {
        let free = question.fetch_all(&mut *session).await?;
        make_due(session, &free).await
    })
    .await;
    Ok(released?)
}

/// Goes through the next piece of what a consumer has open, and makes due what nothing holds any more.
pub(crate) async fn release_behind(pool: &PgPool, consumer: &str, after: &Place) -> Result<Piece, LedgerError> {
    let is_free = is_free();
    // With ties, as several effects of one event have the same place.
    let sql = format!(
        "SELECT entry.id, entry.aggregate_type, entry.aggregate_id, entry.sequence, {is_free}
           FROM consumer_ledger AS entry
          WHERE entry.consumer = $1 AND entry.state IN {OPEN}
            AND (entry.aggregate_type, entry.aggregate_id, entry.sequence) > ($2, $3, $4)
          ORDER BY entry.aggregate_type, entry.aggregate_id, entry.sequence
          FETCH FIRST {PIECE_EFFECTS} ROWS WITH TIES"
    );
    let question = sqlx::query_as::<_, (i64, String, String, i64, bool)>(&sql)
        .bind(consumer)
        .bind(&after.aggregate_type)
        .bind(&after.aggregate_id)
        .bind(after.sequence);
    let piece: Result<Piece, sqlx::Error> = db::work(pool, LOOK_AT_MOST, async move |session| {
        let mut open = question.fetch_all(&mut *session).await?;
        let free: Vec<i64> = open.iter().filter(|(_, _, _, _, is_free)| *is_free).map(|(id, ..)| *id).collect();
        let released = make_due(session, &free).await?;
        let is_last = i64::try_from(open.len()).is_ok_and(|count| count < PIECE_EFFECTS);
        let next = open.pop().filter(|_| !is_last).map(|(_, aggregate_type, aggregate_id, sequence, _)| Place {
            aggregate_type,
            aggregate_id,
            sequence,
        });
        Ok(Piece { released, next })
    })
    .await;
    Ok(piece?)
}

/// Whether `entry` waits for an earlier one that there is not. A scalar, and not an EXISTS: that would become a join,
/// for which a session that began with an empty ledger goes through all of it.
fn is_free() -> String {
    format!(
        "CASE WHEN entry.state = 'waiting' AND entry.due_at = 'infinity' THEN
              (SELECT earlier.id FROM consumer_ledger AS earlier
                WHERE earlier.consumer = entry.consumer AND earlier.aggregate_type = entry.aggregate_type
                  AND earlier.aggregate_id = entry.aggregate_id AND earlier.sequence < entry.sequence
                  AND earlier.state IN {OPEN} LIMIT 1) IS NULL
              ELSE false END"
    )
}

/// Has effects be claimed from now on. What is locked is just being moved by somebody else.
async fn make_due(session: &mut PgConnection, ids: &[i64]) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let statement = sqlx::query(
        "UPDATE consumer_ledger SET due_at = now()
          WHERE id IN (SELECT id FROM consumer_ledger
                        WHERE id = ANY($1) AND state = 'waiting' AND due_at = 'infinity' FOR UPDATE SKIP LOCKED)",
    );
    Ok(statement.bind(ids).execute(session).await?.rows_affected())
}
