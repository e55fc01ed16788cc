//! The consumer groups.

use super::super::deed::{Act, Deed};
use super::views::{per_second, span};
use super::{Found, State};
use crate::admin::AdminPage;
use crate::admin::texts::{text, text_with};
use crate::ops::status::{ReaderKind, ReaderStatus};
use consumers::groups::{Group, GroupState, Lag};

/// A group.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) state: State,
    /// Who paused it, and why.
    pub(super) why: Option<String>,
    /// What a person instructed and it has not done yet.
    pub(super) rewinding: Option<String>,
    /// Why its members are not at work, or what they last stood for.
    pub(super) error: Option<String>,
    pub(super) lag: String,
    pub(super) waits: String,
    pub(super) rate: String,
    /// How long it takes to catch up, at that rate.
    pub(super) left: String,
    /// The last hour: how many events it was behind.
    pub(super) spark: String,
    pub(super) members: usize,
    pub(super) waiting: String,
    pub(super) parked: String,
    /// None where there is none.
    pub(super) unknown: Option<String>,
    pub(super) partitions: Vec<Partition>,
    pub(super) pause: Option<Act>,
    pub(super) resume: Option<Act>,
    pub(super) rewind: Option<Act>,
    pub(super) withdraw: Option<Act>,
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
    let reader = found.reader(ReaderKind::Consumer, group.name);
    let rate = reader.and_then(|reader| reader.events_per_s);
    let left = reader.and_then(|reader| reader.time_left_s).filter(|left_s| *left_s > 0.0);
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
        rewinding: rewinding(group),
        error: error(group, reader),
        lag: events(group.lag),
        waits: waits(group.lag.seconds),
        rate: rate.map_or_else(String::new, per_second),
        // Far below 2^53, and not negative.
        left: left.map_or_else(String::new, |left_s| span(left_s.ceil() as u64)),
        spark: found.hour_of(ReaderKind::Consumer, group.name),
        members: group.members.len(),
        waiting: group.counted(group.waiting),
        parked: group.counted(group.parked),
        unknown: (group.unknown > 0 || !group.counts_are_exact).then(|| group.counted(group.unknown)),
        partitions: partitions.collect(),
        pause: (is_started && !is_paused).then(|| Deed::Pause(name.clone()).act()),
        resume: is_paused.then(|| Deed::Resume(name.clone()).act()),
        withdraw: (!group.rewinding.is_empty()).then(|| Deed::WithdrawRewind(name.clone()).act()),
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
    let paused = group.paused.as_ref()?;
    let said = [
        ("by", paused.by.clone().into()),
        ("ago", page.ago(&paused.at).into()),
        ("reason", paused.reason.clone().into()),
    ];
    Some(text_with("ops-paused-by", &said))
}

/// That it is to go back, how far, and when it will.
fn rewinding(group: &Group) -> Option<String> {
    let furthest = group.rewinding.iter().map(|place| place.position.0).min()?;
    let said = [("count", group.rewinding.len().into()), ("position", furthest.to_string().into())];
    let told = text_with("ops-rewinding", &said);
    Some(if group.paused.is_some() { format!("{told} {}", text("ops-rewinds-when-resumed")) } else { told })
}

/// What its members stand for, or what one in this process last stood for, or what its effects fail for. Of one that is
/// paused they say that, which is no error, also right after it was resumed.
fn error(group: &Group, reader: Option<&ReaderStatus>) -> Option<String> {
    if group.paused.is_some() {
        return None;
    }
    let mut members = group.members.iter().filter(|member| member.state != "paused");
    let of_member = members.find_map(|member| member.detail.clone());
    of_member.or_else(|| reader?.last_error.clone()).or_else(|| group.last_error.clone())
}

/// For how long the first event has waited; nothing where none does.
fn waits(seconds: f64) -> String {
    // Far below 2^53, and not negative.
    if seconds < 1.0 { String::new() } else { span(seconds as u64) }
}
