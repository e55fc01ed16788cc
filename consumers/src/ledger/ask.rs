//! What became of the effects of single events, for whoever shows it.

use super::State;
use chrono::{DateTime, Utc};
use commands::db;
use domain::ids::EventId;
use sqlx::PgPool;
use uuid::Uuid;

/// What became of a consumer's effects of these events: one statement, by the ledger's own index. An event that the
/// consumer has not noted yet is left out. Of an event with several recipients it is the effect for one of them.
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

/// What became of one effect, as it is shown to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// By which it is retried or discarded; see [`parked`](crate::parked).
    pub id: i64,
    /// The event that calls for it.
    pub event: EventId,
    /// How it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt came to, in words, without personal data.
    pub reason: Option<String>,
    /// Since when it stands so.
    pub changed_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    event_id: Uuid,
    state: String,
    attempts: i32,
    reason: Option<String>,
    changed_at: DateTime<Utc>,
}

/// The effects of a consumer that these events call for: one statement, by the ledger's own index.
pub async fn effects_of(pool: &PgPool, consumer: &str, events: &[EventId]) -> Result<Vec<Effect>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<Row> = db::read(pool, async |session| {
        // Planned anew each time, as above.
        let ask = sqlx::query_as(
            "SELECT entry.id, entry.event_id, entry.state, entry.attempts, entry.reason, entry.changed_at
               FROM unnest($2::uuid[]) AS wanted(event_id)
              CROSS JOIN LATERAL (SELECT * FROM consumer_ledger AS own
                    WHERE own.consumer = $1 AND own.event_id = wanted.event_id) AS entry
              ORDER BY entry.id",
        );
        ask.bind(consumer).bind(&ids).persistent(false).fetch_all(session).await
    })
    .await?;
    let effect = |row: Row| {
        Some(Effect {
            id: row.id,
            event: EventId(row.event_id),
            state: State::parse(&row.state)?,
            attempts: row.attempts.unsigned_abs(),
            reason: row.reason,
            changed_at: row.changed_at,
        })
    };
    Ok(rows.into_iter().filter_map(effect).collect())
}
