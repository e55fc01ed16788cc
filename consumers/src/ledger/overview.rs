//! How far consumers are, and what they have open, as PostgreSQL knows it: whichever process runs them.

use super::{LedgerError, within_bounds};
use domain::Position;
use sqlx::PgPool;

/// How a consumer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOverview {
    /// Its name.
    pub consumer: String,
    /// The last event that it has noted, in any partition; where it began, before the first.
    pub position: Position,
    /// How many effects wait for their time, or for an earlier one.
    pub waiting: u64,
    /// How many need a person.
    pub parked: u64,
    /// How many have an outcome that is not known.
    pub unknown: u64,
}

/// How every consumer stands that was ever started.
pub async fn overview(pool: &PgPool) -> Result<Vec<ConsumerOverview>, LedgerError> {
    // Each count is taken from a partial index of what is open. An embedded broker forgets where its partitions were with each start,
    // and what was finished stays so.
    let question = sqlx::query_as::<_, (String, i64, i64, i64, i64)>(
        "SELECT g.consumer,
                greatest((SELECT max(p.position) FROM consumer_progress AS p WHERE p.consumer = g.consumer),
                         g.started_after, g.finished_up_to),
                (SELECT count(*) FROM consumer_ledger AS l
                  WHERE l.consumer = g.consumer AND l.state IN ('claimed', 'sending', 'waiting') AND l.state = 'waiting'),
                (SELECT count(*) FROM consumer_ledger AS l
                  WHERE l.consumer = g.consumer AND l.state IN ('parked', 'unknown') AND l.state = 'parked'),
                (SELECT count(*) FROM consumer_ledger AS l
                  WHERE l.consumer = g.consumer AND l.state IN ('parked', 'unknown') AND l.state = 'unknown')
           FROM consumer_groups AS g ORDER BY g.consumer",
    );
    let rows = within_bounds(pool, async move |session| question.fetch_all(session).await).await?;
    let consumers = rows.into_iter().map(|(consumer, position, waiting, parked, unknown)| ConsumerOverview {
        consumer,
        position: Position::from_i64(position),
        waiting: waiting.unsigned_abs(),
        parked: parked.unsigned_abs(),
        unknown: unknown.unsigned_abs(),
    });
    Ok(consumers.collect())
}
