//! A consumer group as it is answered, and as the command line prints it.

use super::super::super::time;
use crate::openapi::Instant;
use chrono::{DateTime, Utc};
use consumers::groups::{Group, Lag, Member, Partition, Paused, Preview, Rewinding};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// How far something is behind the log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerLag")]
struct LagResource {
    /// How many events are still to come; where that is not exact, at least so many.
    events: u64,
    /// `false` where more than 100,000 events of a kind would have to be counted.
    is_exact: bool,
    /// For how many seconds the first of them has waited.
    seconds: f64,
}

impl From<Lag> for LagResource {
    fn from(lag: Lag) -> Self {
        // Milliseconds are told, not what a float makes of them.
        Self { events: lag.events, is_exact: lag.is_exact, seconds: (lag.seconds * 1_000.0).round() / 1_000.0 }
    }
}

/// How far a group is in one partition.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerPartition")]
struct PartitionResource<'a> {
    topic: &'a str,
    partition: i32,
    /// The log position of the last event that was noted, or passed over.
    position: u64,
    /// The offset of its record; `null` where nothing came yet.
    offset: Option<i64>,
    lag: LagResource,
    /// The instance that holds it: host and process id.
    held_by: Option<&'a str>,
}

impl<'a> From<&'a Partition> for PartitionResource<'a> {
    fn from(partition: &'a Partition) -> Self {
        Self {
            topic: &partition.topic,
            partition: partition.partition,
            position: partition.position.0,
            offset: partition.offset,
            lag: partition.lag.into(),
            held_by: partition.held_by.as_deref(),
        }
    }
}

/// A running program that is a member of a group.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerMember")]
struct MemberResource<'a> {
    id: Uuid,
    /// Host and process id.
    instance: &'a str,
    /// `starting`, `running`, `paused`, `retrying` or `stopped`.
    state: &'a str,
    /// Why it is in that state.
    detail: Option<&'a str>,
    /// How many partitions it holds.
    partitions: usize,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    seen_at: DateTime<Utc>,
}

impl<'a> From<&'a Member> for MemberResource<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            id: member.id,
            instance: &member.instance,
            state: &member.state,
            detail: member.detail.as_deref(),
            partitions: member.holds.len(),
            started_at: member.started_at,
            seen_at: member.seen_at,
        }
    }
}

/// Who paused a group, when and why.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerPause")]
struct PausedResource<'a> {
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    at: DateTime<Utc>,
    by: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a Paused> for PausedResource<'a> {
    fn from(paused: &'a Paused) -> Self {
        Self { at: paused.at, by: &paused.by, reason: &paused.reason }
    }
}

/// Where a group is to go back, and has not yet.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerRewind")]
struct RewindingResource<'a> {
    topic: &'a str,
    partition: i32,
    /// Behind this position.
    position: u64,
}

impl<'a> From<&'a Rewinding> for RewindingResource<'a> {
    fn from(place: &'a Rewinding) -> Self {
        Self { topic: &place.topic, partition: place.partition, position: place.position.0 }
    }
}

/// A consumer group.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Consumer")]
pub(crate) struct GroupResource<'a> {
    name: &'a str,
    /// `not_started`, `running`, `paused`, `failing` (no member is at work) or `no_members`.
    state: &'static str,
    paused: Option<PausedResource<'a>>,
    lag: LagResource,
    /// How many effects need a person, as they are parked.
    parked: u64,
    /// How many effects need a person, as their outcome is unknown.
    unknown: u64,
    /// How many effects wait for their time, or for an earlier one.
    waiting: u64,
    /// Whether these three are the exact numbers; else at least so many. At most 100,000 are counted.
    counts_are_exact: bool,
    /// What the latest attempt at an effect came to that is to be made again; `null` where none failed for now.
    last_error: Option<&'a str>,
    /// Events up to here came before its time; `null` before its first start.
    started_after: Option<u64>,
    members: Vec<MemberResource<'a>>,
    partitions: Vec<PartitionResource<'a>>,
    /// Where it is to go back, and has not yet.
    rewinding: Vec<RewindingResource<'a>>,
}

impl<'a> From<&'a Group> for GroupResource<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            name: group.name,
            state: group.state.as_str(),
            paused: group.paused.as_ref().map(PausedResource::from),
            lag: group.lag.into(),
            parked: group.parked,
            unknown: group.unknown,
            waiting: group.waiting,
            counts_are_exact: group.counts_are_exact,
            last_error: group.last_error.as_deref(),
            started_after: group.started_after.map(|position| position.0),
            members: group.members.iter().map(MemberResource::from).collect(),
            partitions: group.partitions.iter().map(PartitionResource::from).collect(),
            rewinding: group.rewinding.iter().map(RewindingResource::from).collect(),
        }
    }
}

/// All of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Consumers")]
pub(crate) struct GroupsResource<'a> {
    pub(crate) data: Vec<GroupResource<'a>>,
}

/// What handing a group its events again would mean.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerRewindPreview")]
pub(crate) struct PreviewResource<'a> {
    consumer: &'a str,
    /// Behind which position it would be handed its events again.
    position: u64,
    /// How many events it would be handed again.
    events: u64,
    /// For how many of them it would act, as the ledger has no entry for them.
    acts: u64,
    /// Confirms this: send it back.
    token: String,
}

impl<'a> From<&'a Preview> for PreviewResource<'a> {
    fn from(preview: &'a Preview) -> Self {
        Self {
            consumer: &preview.consumer,
            position: preview.position,
            events: preview.events,
            acts: preview.acts,
            token: preview.token(),
        }
    }
}
