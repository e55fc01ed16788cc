//! How far consumers are, as PostgreSQL knows it: whichever process runs them.

use super::{LedgerError, within_bounds};
use domain::Position;
use sqlx::PgPool;

/// How far a consumer is. What it has open, its group says: see [`crate::groups`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOverview {
    /// Its name.
    pub consumer: String,
    /// The last event that it has noted, in any partition; where it began, before the first.
    pub position: Position,
}

/// How far every consumer is that was ever started.
pub async fn overview(pool: &PgPool) -> Result<Vec<ConsumerOverview>, LedgerError> {
    // An embedded broker forgets where its partitions were with each start, and what was finished stays so.
    let question = sqlx::query_as::<_, (String, i64)>(
        "SELECT g.consumer,
                greatest((SELECT max(p.position) FROM consumer_progress AS p WHERE p.consumer = g.consumer),
                         g.started_after, g.finished_up_to)
           FROM consumer_groups AS g ORDER BY g.consumer",
    );
    let rows = within_bounds(pool, async move |session| question.fetch_all(session).await).await?;
    let consumer = |(consumer, position)| ConsumerOverview { consumer, position: Position::from_i64(position) };
    Ok(rows.into_iter().map(consumer).collect())
}
