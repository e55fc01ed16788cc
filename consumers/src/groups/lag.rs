//! How far a group is behind the log: events, and seconds, in each partition.
//!
//! It is told by the log: the events of a partition's kind whose key falls into the partition, behind what the group
//! has noted there. So an event counts from its commit on, also while the relay is away, and Kafka's own markers never
//! count.

use super::rows::{self, Known};
use super::tally::Tally;
use super::{GroupError, Member};
use crate::ledger::groups::Declared;
use crate::topics::Topics;
use chrono::{DateTime, Utc};
use commands::Log;
use domain::{AggregateType, Position};

/// How far something is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lag {
    /// How many events are still to come; where that is not the exact number, at least so many.
    pub events: u64,
    /// Whether it is. At most 100,000 events of a kind are looked at, in all its partitions together.
    pub is_exact: bool,
    /// For how many seconds the first of them has waited; 0 where there is none.
    pub seconds: f64,
}

impl Lag {
    const NONE: Self = Self { events: 0, is_exact: true, seconds: 0.0 };

    /// Of several partitions: the events of all, and the longest wait.
    pub(super) fn sum(partitions: &[Partition]) -> Self {
        partitions.iter().fold(Self::NONE, |sum, partition| Self {
            events: sum.events + partition.lag.events,
            is_exact: sum.is_exact && partition.lag.is_exact,
            seconds: sum.seconds.max(partition.lag.seconds),
        })
    }
}

/// How far a group is in one partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// The kind of aggregates whose events it has.
    pub kind: AggregateType,
    /// The topic.
    pub topic: String,
    /// The partition of it.
    pub partition: i32,
    /// The last event that was noted, or passed over.
    pub position: Position,
    /// Its offset; `None` where nothing came yet.
    pub offset: Option<i64>,
    /// How far that is behind.
    pub lag: Lag,
    /// The event that it is to be handed next; `None` where none waits.
    pub next: Option<Position>,
    /// The instance that holds it.
    pub held_by: Option<String>,
}

/// All partitions of a group's topics; none where its topics are not known.
pub(super) async fn partitions(
    log: &Log,
    declared: &Declared,
    known: &Known,
    members: &[Member],
    now: DateTime<Utc>,
) -> Result<Vec<Partition>, GroupError> {
    let progress = rows::progress(log.pool(), declared.name).await?;
    let Some((prefix, count)) = &known.topics else { return Ok(Vec::new()) };
    let topics = Topics::new(prefix);
    let head = log.head().await?;
    let mut all = Vec::new();
    for kind in declared.kinds.iter().copied() {
        let topic = topics.of(kind);
        let mut of_kind: Vec<Partition> = (0..i32::from(*count))
            .map(|partition| {
                let place = (topic.to_owned(), partition);
                let noted = progress.get(&place);
                let holder = members.iter().find(|member| member.holds.contains(&place));
                Partition {
                    kind,
                    topic: place.0,
                    partition,
                    position: noted.map_or(known.finished_up_to, |(position, _)| *position),
                    offset: noted.map(|(_, offset)| *offset),
                    lag: Lag::NONE,
                    next: None,
                    held_by: holder.map(|member| member.instance.clone()),
                }
            })
            .collect();
        measure(log, kind, &mut of_kind, (head, now)).await?;
        all.append(&mut of_kind);
    }
    Ok(all)
}

/// Fills in how far the partitions of one kind are behind; the log ends at `head`, or has grown since.
async fn measure(
    log: &Log,
    kind: AggregateType,
    partitions: &mut [Partition],
    (head, now): (Position, DateTime<Utc>),
) -> Result<(), GroupError> {
    let mut tally = Tally::new(partitions.iter().map(|partition| partition.position), head);
    while let Some(page) = tally.next() {
        let keys = log.keys_behind(kind, page.after, page.limit).await?;
        tally.take(page, &keys);
    }
    for (partition, (lag, next)) in partitions.iter_mut().zip(tally.lags(now)) {
        (partition.lag, partition.next) = (lag, next);
    }
    Ok(())
}
