//! The consumer groups.

use super::super::deed::{Act, Deed};
use super::views::{per_second, span};
use super::{Found, State};
use crate::admin::AdminPage;
use crate::admin::texts::text_with;
use crate::ops::status::ReaderKind;
use consumers::groups::{Group, GroupState, Lag};

/// A group.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) state: State,
    /// Who paused it, and why; or why its members are not at work.
    pub(super) why: Option<String>,
    pub(super) lag: String,
    pub(super) waits: String,
    pub(super) rate: String,
    /// The last hour: how many events it was behind.
    pub(super) spark: String,
    pub(super) members: usize,
    pub(super) waiting: u64,
    pub(super) parked: u64,
    pub(super) unknown: u64,
    pub(super) partitions: Vec<Partition>,
    pub(super) pause: Option<Act>,
    pub(super) resume: Option<Act>,
    pub(super) rewind: Option<Act>,
}

/// One of its partitions.
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) position: u64,
    pub(super) lag: u64,
    pub(super) is_exact: bool,
    pub(super) waits: String,
    pub(super) held_by: String,
}

pub(super) fn of(page: &AdminPage, found: &Found) -> Vec<Row> {
    found.groups.iter().map(|group| of_group(page, group, found)).collect()
}

fn of_group(page: &AdminPage, group: &Group, found: &Found) -> Row {
    let name = group.name.to_owned();
    let is_started = group.state != GroupState::NotStarted;
    let is_paused = group.paused.is_some();
    let rate = found.reader(ReaderKind::Consumer, group.name).and_then(|reader| reader.events_per_s);
    let partitions = group.partitions.iter().map(|partition| Partition {
        name: format!("{} {}", partition.topic, partition.partition),
        position: partition.position.0,
        lag: partition.lag.events,
        is_exact: partition.lag.is_exact,
        waits: waits(partition.lag.seconds),
        held_by: partition.held_by.clone().unwrap_or_default(),
    });
    Row {
        name: group.name,
        state: state(group.state),
        why: why(page, group),
        lag: events(group.lag),
        waits: waits(group.lag.seconds),
        rate: rate.map_or_else(String::new, per_second),
        spark: found.hour_of(ReaderKind::Consumer, group.name),
        members: group.members.len(),
        waiting: group.waiting,
        parked: group.parked,
        unknown: group.unknown,
        partitions: partitions.collect(),
        pause: (is_started && !is_paused).then(|| Deed::Pause(name.clone()).act()),
        resume: is_paused.then(|| Deed::Resume(name.clone()).act()),
        rewind: is_started.then(|| Deed::Rewind(name).act()),
    }
}

/// How many events something is behind, or at least is.
pub(in crate::admin::console) fn events(lag: Lag) -> String {
    if lag.is_exact { lag.events.to_string() } else { format!("≥ {}", lag.events) }
}

fn state(state: GroupState) -> State {
    match state {
        GroupState::NotStarted => State::of("ops-not-started", "soft"),
        GroupState::Paused => State::of("ops-paused", ""),
        GroupState::Running => State::of("ops-running", "good"),
        GroupState::Failing => State::of("ops-failing", "bad"),
        GroupState::NoMembers => State::of("ops-no-members", "bad"),
    }
}

fn why(page: &AdminPage, group: &Group) -> Option<String> {
    if let Some(paused) = &group.paused {
        let said = [
            ("by", paused.by.clone().into()),
            ("ago", page.ago(&paused.at).into()),
            ("reason", paused.reason.clone().into()),
        ];
        return Some(text_with("ops-paused-by", &said));
    }
    group.members.iter().find_map(|member| member.detail.clone())
}

/// For how long the first event has waited; nothing where none does.
fn waits(seconds: f64) -> String {
    // Far below 2^53, and not negative.
    if seconds < 1.0 { String::new() } else { span(seconds as u64) }
}
