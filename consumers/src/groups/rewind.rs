//! Handing a group its events again, from a position or time on.
//!
//! A preview comes first: how many events that would be, and for how many of them the group would act. That is counted
//! as the group itself would find it: each event of the log that it wants and was handed, its recipient, and whether
//! the ledger has an entry for the two. The instruction repeats the count over the same events, and is refused when
//! another one comes out.
//!
//! A confirmation may be old: what the group was not handed by then, as it has gone back meanwhile, is not counted, so
//! it is refused.
//!
//! The instruction itself is rows in PostgreSQL. Whoever holds a partition goes back there and deletes its row: at
//! once, when its time comes, or at its next start. A paused group goes back when it is resumed. Until then an
//! instruction can be withdrawn.

use super::pause::INSTRUCT_AT_MOST;
use super::rows::{self, Known};
use super::{GroupError, declared};
use crate::ledger::groups::Declared;
use crate::partitioner::partition_of;
use crate::topics::Topics;
use crate::verify::Watched;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use commands::audit::{self, Action};
use commands::{Log, StoredEvent, db};
use domain::{AggregateType, Position};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection, PgPool};
use std::collections::HashMap;
use uuid::Uuid;

/// How many positions of the log are looked at in one statement.
const BATCH_POSITIONS: u64 = 5_000;
/// How it is called in the log of what operators did.
const REWIND: &str = "consumer.rewind";

/// Where a group is to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Behind this position: 0 for the very beginning.
    Position(Position),
    /// To what was recorded at that time or later.
    Time(DateTime<Utc>),
}

/// What going back would mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The consumer.
    pub consumer: String,
    /// Behind which position it would be handed its events again.
    pub position: u64,
    /// How many events it would be handed again.
    pub events: u64,
    /// For how many of them it would act, as the ledger has no entry for them.
    pub acts: u64,
    /// How far it has been handed events: by topic and partition, what is behind is not counted.
    up_to: Vec<(String, i32, u64)>,
}

impl Preview {
    /// As one word, by which it is confirmed.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`token`](Self::token) wrote; `None` for anything else.
    pub fn of_token(token: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
    }

    /// Whether it would be handed anything again.
    pub fn is_empty(&self) -> bool {
        self.up_to.is_empty()
    }
}

/// What came of an instruction to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Rewound {
    /// It is instructed.
    Instructed,
    /// Other numbers came out than were confirmed, or it has gone back meanwhile: nothing is instructed.
    Changed(Preview),
}

/// What going back would mean. `tell` is told how many positions were looked at, of how many.
pub async fn preview(log: &Log, name: &str, to: To, mut tell: impl FnMut(u64, u64)) -> Result<Preview, GroupError> {
    let declared = declared(name)?;
    let known = known(log.pool(), declared.name).await?;
    let position = match to {
        To::Position(position) => position,
        To::Time(time) => log.position_at(time).await?,
    };
    within_log(log, position).await?;
    let reached = reached(log.pool(), &declared, &known).await?;
    let mut up_to: Vec<_> = reached
        .into_iter()
        .filter(|(_, reached)| *reached > position)
        .map(|((topic, partition), reached)| (topic, partition, reached.0))
        .collect();
    up_to.sort();
    let consumer = declared.name.to_owned();
    let mut preview = Preview { consumer, position: position.0, events: 0, acts: 0, up_to };
    (preview.events, preview.acts) = count(log, &preview, &known, &mut tell).await?;
    Ok(preview)
}

/// A preview that somebody confirmed, and that was counted again: it still said so.
#[derive(Debug)]
pub struct Confirmed {
    consumer: &'static str,
    preview: Preview,
}

/// What came of counting again.
#[derive(Debug)]
#[must_use]
pub enum Recounted {
    /// The same numbers: it can be instructed.
    Same(Confirmed),
    /// Other numbers than were confirmed.
    Changed(Preview),
}

/// Orders a group to go back, as a preview said, if it still says so.
pub async fn rewind(
    log: &Log,
    confirmed: &Preview,
    who: &str,
    tell: impl FnMut(u64, u64),
) -> Result<Rewound, GroupError> {
    let recounted = recount(log, confirmed, tell).await?;
    instruct(log.pool(), recounted, who).await
}

/// Counts again what a preview said. That takes as long as the preview did, and changes nothing: it may be given up at
/// any time.
pub async fn recount(log: &Log, confirmed: &Preview, mut tell: impl FnMut(u64, u64)) -> Result<Recounted, GroupError> {
    let declared = declared(&confirmed.consumer)?;
    let name = declared.name;
    let known = known(log.pool(), name).await?;
    // Anybody can write a token.
    within_log(log, Position(confirmed.position)).await?;
    let reached = reached(log.pool(), &declared, &known).await?;
    let mut now = confirmed.clone();
    for (topic, partition, up_to) in &mut now.up_to {
        let place = reached.get(&(topic.clone(), *partition));
        let place = place.ok_or_else(|| GroupError::NoPreview(name.to_owned()))?;
        *up_to = place.0.min(*up_to);
    }
    now.up_to.retain(|(_, _, up_to)| *up_to > confirmed.position);
    (now.events, now.acts) = count(log, &now, &known, &mut tell).await?;
    if (now.events, now.acts) != (confirmed.events, confirmed.acts) {
        return Ok(Recounted::Changed(now));
    }
    Ok(Recounted::Same(Confirmed { consumer: name, preview: now }))
}

/// Orders what was counted again, or writes down that it was refused: as other numbers came out, or as the group has
/// gone back by another instruction since, so that there is nothing left of what was confirmed. Where that is so of
/// some partitions alone, the others go back.
pub async fn instruct(pool: &PgPool, recounted: Recounted, who: &str) -> Result<Rewound, GroupError> {
    let now = match recounted {
        Recounted::Same(Confirmed { consumer, preview }) => {
            if write_order(pool, consumer, &preview, who).await? {
                return Ok(Rewound::Instructed);
            }
            Preview { events: 0, acts: 0, up_to: Vec::new(), ..preview }
        }
        Recounted::Changed(now) => now,
    };
    let why = format!("by now it would be {} events, of which it acts on {}", now.events, now.acts);
    let arguments = json!({ "to_position": now.position });
    let action = Action { arguments, ..Action::done(who, REWIND, &now.consumer) };
    audit::record_refused(pool, action, &why).await;
    Ok(Rewound::Changed(now))
}

/// Withdraws what a group was told to go back to and has not yet; says in how many partitions that was. Where it has
/// gone back already, or is at it at this moment, that stays; so does its beginning, where it was set back by that.
pub async fn withdraw_rewind(pool: &PgPool, name: &str, who: &str) -> Result<u64, GroupError> {
    let name = declared(name)?.name;
    known(pool, name).await?;
    let withdrawn = db::work(pool, INSTRUCT_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let withdrawn = sqlx::query("DELETE FROM consumer_rewinds WHERE consumer = $1");
        let partitions = withdrawn.bind(name).execute(&mut *transaction).await?.rows_affected();
        if partitions > 0 {
            let action = Action { count: Some(partitions), ..Action::done(who, "consumer.withdraw_rewind", name) };
            audit::append(&mut transaction, &action).await?;
        }
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(partitions)
    });
    Ok(withdrawn.await?)
}

/// Refuses a position at which there is no event yet.
async fn within_log(log: &Log, position: Position) -> Result<(), GroupError> {
    let head = log.head().await?;
    if position > head { Err(GroupError::BeyondHead { asked: position, head }) } else { Ok(()) }
}

/// Up to where a group was handed its events, in each partition of its topics. One that has nothing there stands at its
/// beginning, or where the program with an embedded broker began.
async fn reached(
    pool: &PgPool,
    declared: &Declared,
    known: &Known,
) -> Result<HashMap<(String, i32), Position>, GroupError> {
    let topics = topics_of(known, declared.name)?;
    let progress = rows::progress(pool, declared.name).await?;
    let partitions = known.topics.as_ref().map_or(0, |(_, partitions)| i32::from(*partitions));
    let places = declared.kinds.iter().flat_map(|kind| {
        let topic = topics.of(*kind);
        (0..partitions).map(move |partition| (topic, partition))
    });
    Ok(places
        .map(|(topic, partition)| {
            let place = (topic.to_owned(), partition);
            let reached = progress.get(&place).map_or(known.finished_up_to, |(reached, _)| *reached);
            (place, reached)
        })
        .collect())
}

async fn known(pool: &PgPool, name: &str) -> Result<Known, GroupError> {
    rows::known(pool, name).await?.ok_or_else(|| GroupError::NotStarted(name.to_owned()))
}

fn topics_of(known: &Known, name: &str) -> Result<Topics, GroupError> {
    let (prefix, _) = known.topics.as_ref().ok_or_else(|| GroupError::TopicsUnknown(name.to_owned()))?;
    Ok(Topics::new(prefix))
}

/// How many events the group would be handed again, and for how many of them it would act.
async fn count(
    log: &Log,
    preview: &Preview,
    known: &Known,
    tell: &mut impl FnMut(u64, u64),
) -> Result<(u64, u64), GroupError> {
    let name = preview.consumer.as_str();
    let watched = crate::watched().into_iter().find(|watched| watched.declared.name == name);
    let watched = watched.ok_or_else(|| GroupError::NoPreview(name.to_owned()))?;
    let handed = Handed::of(preview, known, &topics_of(known, name)?);
    let (mut after, end) = (Position(preview.position), Position(handed.last()));
    let (mut events, mut acts) = (0, 0);
    while after < end {
        tell(after.0.saturating_sub(preview.position), end.0 - preview.position);
        let read = log.read_types(watched.types, after, end, BATCH_POSITIONS).await?;
        after = read.up_to;
        let again: Vec<&StoredEvent> = read.events.iter().filter(|event| handed.has(event)).collect();
        events += again.len() as u64;
        acts += unknown_to_ledger(log.pool(), &watched, &again).await?;
    }
    Ok((events, acts))
}

/// What a group has been handed, by kind and partition.
struct Handed {
    partitions: usize,
    up_to: HashMap<(AggregateType, i32), u64>,
}

impl Handed {
    fn of(preview: &Preview, known: &Known, topics: &Topics) -> Self {
        let partitions = known.topics.as_ref().map_or(0, |(_, partitions)| usize::from(*partitions));
        let places = preview.up_to.iter();
        let up_to =
            places.filter_map(|(topic, partition, up_to)| Some(((topics.kind(topic)?, *partition), *up_to))).collect();
        Self { partitions, up_to }
    }

    fn last(&self) -> u64 {
        self.up_to.values().copied().max().unwrap_or(0)
    }

    fn has(&self, event: &StoredEvent) -> bool {
        let place = AggregateType::parse(&event.aggregate_type).zip(partition_of(&event.aggregate_id, self.partitions));
        place.and_then(|place| self.up_to.get(&place)).is_some_and(|up_to| event.position.0 <= *up_to)
    }
}

/// For how many of these events the ledger has no entry, as the intake looks for one.
async fn unknown_to_ledger(pool: &PgPool, watched: &Watched, events: &[&StoredEvent]) -> Result<u64, GroupError> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.event_id.0).collect();
    let entries: Vec<(Uuid, Uuid)> = db::read(pool, async |session| {
        sqlx::query_as("SELECT event_id, recipient FROM consumer_ledger WHERE consumer = $1 AND event_id = ANY($2)")
            .bind(watched.declared.name)
            .bind(&ids)
            .persistent(false)
            .fetch_all(session)
            .await
    })
    .await?;
    let mut by_event: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (event, recipient) in entries {
        by_event.entry(event).or_default().push(recipient);
    }
    let is_new = |event: &&&StoredEvent| {
        let Some(known) = by_event.get(&event.event_id.0) else { return true };
        // What can't be read is known by any entry, and what could not be read when it came by that.
        let Ok(recorded) = event.recorded() else { return false };
        let recipient = (watched.recipient)(recorded.event.clone());
        !known.iter().any(|known| known.is_nil() || *known == recipient)
    };
    Ok(events.iter().filter(is_new).count() as u64)
}

/// Writes an instruction down; `false` where there is no partition any more that it would move, and nothing is written.
async fn write_order(pool: &PgPool, name: &'static str, preview: &Preview, who: &str) -> Result<bool, GroupError> {
    let position = Position(preview.position).as_i64();
    let instructed = db::work(pool, INSTRUCT_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let rows = sqlx::query(
            "INSERT INTO consumer_rewinds AS r (consumer, topic, partition, position, ordered_at)
             SELECT $1, place.topic, place.partition, $4, now()
               FROM unnest($2::text[], $3::integer[]) AS place (topic, partition)
                    JOIN consumer_groups AS known ON known.consumer = $1
                    LEFT JOIN consumer_progress AS at
                           ON at.consumer = $1 AND at.topic = place.topic AND at.partition = place.partition
              -- Never forward, also where it has gone back since it was counted.
              WHERE coalesce(at.position, known.finished_up_to) > $4
             ON CONFLICT ON CONSTRAINT consumer_rewinds_partition
             DO UPDATE SET position = least(r.position, excluded.position), ordered_at = excluded.ordered_at",
        )
        .bind(name)
        .bind(db::column(&preview.up_to, |(topic, _, _)| topic.as_str()))
        .bind(db::column(&preview.up_to, |(_, partition, _)| *partition))
        .bind(position)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if rows == 0 && !preview.is_empty() {
            return Ok(false);
        }
        let arguments = json!({ "to_position": preview.position, "acts": preview.acts, "partitions": rows });
        let action = Action { arguments, count: Some(preview.events), ..Action::done(who, REWIND, name) };
        audit::append(&mut transaction, &action).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(true)
    });
    Ok(instructed.await?)
}
