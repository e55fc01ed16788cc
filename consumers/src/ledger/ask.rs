//! What became of the effects of single events, for whoever shows it.

use super::State;
use commands::db;
use domain::ids::EventId;
use sqlx::PgPool;
use uuid::Uuid;

/// What became of a consumer's effects of these events: one statement, by the ledger's own index. An event that the consumer
/// has not noted yet is left out. Of an event with several recipients it is the effect for one of them.
pub async fn states_of(
    pool: &PgPool,
    consumer: &str,
    events: &[EventId],
) -> Result<Vec<(EventId, State)>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<(Uuid, Option<String>)> = db::read(pool, async |session| {
        // Planned anew each time: a plan that was made for an empty ledger would go through all of it for ever.
        let ask = sqlx::query_as(
            "SELECT wanted.event_id,
                    (SELECT entry.state FROM consumer_ledger AS entry
                      WHERE entry.consumer = $1 AND entry.event_id = wanted.event_id ORDER BY entry.recipient LIMIT 1)
               FROM unnest($2::uuid[]) AS wanted(event_id)",
        );
        ask.bind(consumer).bind(&ids).persistent(false).fetch_all(session).await
    })
    .await?;
    let known = rows.into_iter().filter_map(|(event, state)| Some((EventId(event), State::parse(&state?)?)));
    Ok(known.collect())
}
