//! How many effects have not come to their end: counted within a bound, by one statement for all consumers. And what
//! they fail for.

use super::{LedgerError, within_bounds};
use sqlx::PgPool;
use std::collections::HashMap;

/// How many effects are counted at most: those of one consumer that time moves, and those of all that need a person. A
/// mail server that is away for hours leaves millions, and they are asked for every few seconds.
const COUNTED_AT_MOST: i64 = 100_000;
/// Among how many effects of a consumer the latest attempt is looked for: those that are due last. These are what is in
/// hand, under a lease, and what failed for now; all that was not tried yet is due before.
const LOOKED_AT: i64 = 1_000;

/// Effects of a consumer that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// They wait for their time, or for an earlier one.
    pub waiting: u64,
    /// They need a person.
    pub parked: u64,
    /// Their outcome is not known.
    pub unknown: u64,
    /// Whether these are all; else there are at least so many.
    pub is_exact: bool,
}

impl Open {
    /// Of a consumer that has none.
    pub(crate) const NONE: Self = Self { waiting: 0, parked: 0, unknown: 0, is_exact: true };
}

/// What each of these consumers has open.
pub(crate) async fn count(pool: &PgPool, consumers: &[&'static str]) -> Result<HashMap<String, Open>, LedgerError> {
    // In the order of the partial indexes of what is open, so that no more rows are read than are counted. Planned anew
    // each time: a plan that was made for an empty ledger would go through all of it for ever.
    let question = sqlx::query_as::<_, (String, i64, i64, i64, i64, i64)>(
        "WITH stuck AS MATERIALIZED (
             SELECT consumer, state FROM consumer_ledger WHERE state IN ('parked', 'unknown') ORDER BY id LIMIT $2
         ), persons AS (
             SELECT consumer, count(*) FILTER (WHERE state = 'parked') AS parked,
                    count(*) FILTER (WHERE state = 'unknown') AS unknown
               FROM stuck GROUP BY consumer
         )
         SELECT wanted.consumer, moved.waiting, moved.seen, coalesce(persons.parked, 0), coalesce(persons.unknown, 0),
                (SELECT count(*) FROM stuck)
           FROM unnest($1::text[]) AS wanted(consumer)
          CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) AS seen
                  FROM (SELECT state FROM consumer_ledger AS own
                         WHERE own.consumer = wanted.consumer AND own.state IN ('claimed', 'sending', 'waiting')
                         ORDER BY own.due_at LIMIT $2) AS counted) AS moved
           LEFT JOIN persons USING (consumer)",
    );
    let question = question.bind(consumers.to_vec()).bind(COUNTED_AT_MOST + 1).persistent(false);
    let rows = within_bounds(pool, async move |session| question.fetch_all(session).await).await?;
    let open = rows.into_iter().map(|(consumer, waiting, seen, parked, unknown, stuck)| {
        let at_most = |count: i64| count.min(COUNTED_AT_MOST).unsigned_abs();
        let open = Open {
            waiting: at_most(waiting),
            parked: at_most(parked),
            unknown: at_most(unknown),
            is_exact: seen <= COUNTED_AT_MOST && stuck <= COUNTED_AT_MOST,
        };
        (consumer, open)
    });
    Ok(open.collect())
}

/// What the latest attempt of a consumer came to that is to be made again; `None` where nothing of it failed for now.
pub(crate) async fn last_error(pool: &PgPool, consumer: &str) -> Result<Option<String>, LedgerError> {
    // By the index of what time moves, from its end. One that is being tried again just now counts: else the error
    // would come and go.
    let question = sqlx::query_scalar::<_, String>(
        "SELECT reason
           FROM (SELECT attempts, reason, changed_at FROM consumer_ledger
                  WHERE consumer = $1 AND state IN ('claimed', 'sending', 'waiting') AND due_at < 'infinity'
                  ORDER BY due_at DESC LIMIT $2) AS latest
          WHERE attempts > 0 AND reason IS NOT NULL ORDER BY changed_at DESC LIMIT 1",
    );
    let question = question.bind(consumer).bind(LOOKED_AT).persistent(false);
    within_bounds(pool, async move |session| question.fetch_optional(session).await).await
}
