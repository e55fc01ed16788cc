//! Noting what Kafka handed over: the entries and the group's progress, in one statement.

use super::{Entry, LedgerError, OPEN, within_bounds};
use commands::db::column;
use domain::Position;
use domain::ids::EventId;
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// An effect that an event calls for, as it comes from Kafka.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub event_id: EventId,
    pub recipient: Uuid,
    pub aggregate_type: &'static str,
    pub aggregate_id: String,
    pub sequence: u64,
    pub position: Position,
    pub event_type: String,
    /// Its record's partition, and the offset there.
    pub record: (i32, i64),
    /// Why the event can't be read, if it can't: such an entry is parked at once.
    pub poison: Option<String>,
}

/// How far a batch goes in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub position: Position,
    pub offset: i64,
}

/// How far a batch goes: by topic and partition.
pub(crate) type Marks<'a> = HashMap<(&'a str, i32), Mark>;

/// Who claims, for how long, and whether there is room for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub consumer: &'a str,
    pub owner: Uuid,
    pub lease: Duration,
    /// Without room the entries wait, due at once.
    pub room: bool,
}

/// What noting a batch came to.
#[derive(Debug)]
pub(crate) struct Noted {
    /// The entries that are claimed by it, with their place in the batch.
    pub claimed: Vec<(usize, Entry)>,
    /// How many are new at all.
    pub new: usize,
    /// Those of them that an earlier one holds. It may have ended at the same moment, and released them no more.
    pub held: Vec<i64>,
}

/// A new entry: its id, event and recipient, whether it is claimed, and whether it is held.
type NewRow = (i64, Uuid, Uuid, bool, bool);

/// Notes a batch.
pub(crate) async fn note(
    pool: &PgPool,
    claimant: Claimant<'_>,
    causes: &[Cause],
    marks: &Marks<'_>,
) -> Result<Noted, LedgerError> {
    let sql = format!(
        "WITH input AS (
             SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
                                  $11::text[], $12::text[], $13::boolean[], $18::integer[], $19::bigint[])
                 AS input (event_id, recipient, aggregate_type, aggregate_id, sequence, position, event_type, poison,
                           behind, partition, log_offset)
         ), noted AS (
             INSERT INTO consumer_ledger
                    (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position, event_type,
                     partition, log_offset, state, owner, due_at, reason, noted_at, changed_at)
             SELECT $1, event_id, recipient, aggregate_type, aggregate_id, sequence, position, event_type,
                    partition, log_offset,
                    CASE WHEN poison IS NOT NULL THEN 'parked' WHEN held OR NOT $4 THEN 'waiting' ELSE 'claimed' END,
                    $2,
                    CASE WHEN poison IS NOT NULL OR held THEN 'infinity'
                         WHEN $4 THEN now() + make_interval(secs => $3) ELSE now() END,
                    poison, now(), now()
               FROM input CROSS JOIN LATERAL (SELECT input.behind OR EXISTS (
                        SELECT FROM consumer_ledger AS earlier
                         WHERE earlier.consumer = $1 AND earlier.aggregate_type = input.aggregate_type
                           AND earlier.aggregate_id = input.aggregate_id AND earlier.sequence < input.sequence
                           AND earlier.state IN {OPEN}) AS held) AS hold
              -- An event that could not be read when it first came is known without its recipient; and one that comes
              -- again to a program that can't read it is known with one. A scalar, and not an EXISTS: that would become a
              -- join, for which a session that began with an empty ledger goes through all of it for each batch.
              WHERE (SELECT count(*) FROM consumer_ledger AS known
                      WHERE known.consumer = $1 AND known.event_id = input.event_id
                        AND (known.recipient = '00000000-0000-0000-0000-000000000000' OR input.poison IS NOT NULL)) = 0
             ON CONFLICT ON CONSTRAINT consumer_ledger_cause DO NOTHING
             RETURNING id, event_id, recipient, state, due_at, reason
         ), letters AS (
             INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, reason, due_at)
             SELECT $1, now(), id, 0, reason, now() FROM noted WHERE state = 'parked'
         ), progressed AS (
             INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
             SELECT $1, mark.*, now()
               FROM unnest($14::text[], $15::integer[], $16::bigint[], $17::bigint[]) AS mark
             ON CONFLICT ON CONSTRAINT consumer_progress_partition
             DO UPDATE SET position = greatest(consumer_progress.position, excluded.position),
                           log_offset = excluded.log_offset, changed_at = excluded.changed_at
         )
         SELECT id, event_id, recipient, state = 'claimed', state = 'waiting' AND due_at = 'infinity' FROM noted"
    );
    let marks: Vec<_> = marks.iter().collect();
    let behind = behind_another(causes);
    fail::fail_point!("claim.before");
    let statement = sqlx::query_as::<_, NewRow>(&sql)
        .bind(claimant.consumer)
        .bind(claimant.owner)
        .bind(claimant.lease.as_secs_f64())
        .bind(claimant.room)
        .bind(column(causes, |cause| cause.event_id.0))
        .bind(column(causes, |cause| cause.recipient))
        .bind(column(causes, |cause| cause.aggregate_type))
        .bind(column(causes, |cause| cause.aggregate_id.as_str()))
        .bind(column(causes, |cause| cause.sequence.cast_signed()))
        .bind(column(causes, |cause| cause.position.as_i64()))
        .bind(column(causes, |cause| cause.event_type.as_str()))
        .bind(column(causes, |cause| cause.poison.as_deref()))
        .bind(behind)
        .bind(column(&marks, |((topic, _), _)| *topic))
        .bind(column(&marks, |((_, partition), _)| *partition))
        .bind(column(&marks, |(_, mark)| mark.position.as_i64()))
        .bind(column(&marks, |(_, mark)| mark.offset))
        .bind(column(causes, |cause| cause.record.0))
        .bind(column(causes, |cause| cause.record.1));
    let noted = within_bounds(pool, async move |session| statement.fetch_all(session).await).await?;
    fail::fail_point!("claim.after");
    let held = noted.iter().filter(|(.., is_held)| *is_held).map(|(id, ..)| *id).collect();
    Ok(Noted { new: noted.len(), held, claimed: claimed(causes, noted) })
}

/// Whether an earlier event of the same aggregate is in the batch: it goes first.
fn behind_another(causes: &[Cause]) -> Vec<bool> {
    let mut first = HashMap::new();
    causes
        .iter()
        .map(|cause| {
            let key = (cause.aggregate_type, cause.aggregate_id.as_str());
            *first.entry(key).or_insert(cause.sequence) < cause.sequence
        })
        .collect()
}

fn claimed(causes: &[Cause], noted: Vec<NewRow>) -> Vec<(usize, Entry)> {
    let places: HashMap<(Uuid, Uuid), usize> =
        causes.iter().enumerate().map(|(place, cause)| ((cause.event_id.0, cause.recipient), place)).collect();
    noted
        .into_iter()
        .filter(|(_, _, _, claimed, _)| *claimed)
        .filter_map(|(id, event_id, recipient, ..)| {
            let place = *places.get(&(event_id, recipient))?;
            let cause = &causes[place];
            let entry = Entry {
                id,
                event_id: cause.event_id,
                recipient,
                aggregate_type: cause.aggregate_type.to_owned(),
                aggregate_id: cause.aggregate_id.clone(),
                sequence: cause.sequence,
                position: cause.position,
                attempts: 0,
            };
            Some((place, entry))
        })
        .collect()
}
