//! The read models and their builds.

use super::super::deed::{Act, Deed};
use super::{Found, Rates, State};
use crate::admin::AdminPage;
use crate::admin::texts::{text, text_with};
use crate::ops::status::{ReaderKind, ReaderState, ReaderStatus};
use commands::lead::HeldLease;
use projections::{BuildOverview, BuildState, ViewOverview};

/// A view, by the build that serves.
pub(super) struct View {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) state: State,
    pub(super) position: u64,
    pub(super) lag: u64,
    /// How much of the log is not in it yet, of a hundred.
    pub(super) behind: u32,
    pub(super) rate: String,
    pub(super) left: String,
    pub(super) error: Option<String>,
    /// The last hour: how many events it was behind.
    pub(super) spark: String,
    /// None for the relay.
    pub(super) rebuild: Option<Act>,
    /// Whether a build served before.
    pub(super) roll_back: Option<Act>,
    pub(super) builds: Vec<Build>,
}

/// A build that does not serve.
pub(super) struct Build {
    pub(super) name: String,
    pub(super) state: State,
    /// How much of the log is in one that is being made, of a hundred.
    pub(super) done: Option<u32>,
    /// How far it is, in words.
    pub(super) words: String,
    pub(super) since: String,
    pub(super) error: Option<String>,
    pub(super) diff: String,
    pub(super) promote: Option<Act>,
}

pub(super) fn of(page: &AdminPage, found: &Found, rates: &Rates) -> Vec<View> {
    let views = found.views.iter().map(|view| of_view(page, view, found, rates));
    views
        .chain(
            found
                .status
                .readers
                .iter()
                .filter(|reader| reader.kind == ReaderKind::Relay)
                .map(|relay| of_relay(relay, found)),
        )
        .collect()
}

fn of_view(page: &AdminPage, view: &ViewOverview, found: &Found, rates: &Rates) -> View {
    let active = view.builds.iter().find(|build| build.state == BuildState::Active);
    let reader = found.reader(ReaderKind::Projection, &view.name);
    let retired = view.builds.iter().any(|build| build.state == BuildState::Retired);
    let (lag, position) = active.map_or((found.head.0, 0), |build| (build.lag_events, build.position.0));
    let seen = active.and_then(|build| rates.per_second(&build.schema));
    let left = active.filter(|_| lag > 0).and_then(|build| rates.left_s(&build.schema, lag));
    let others = view.builds.iter().filter(|build| build.state != BuildState::Active);
    View {
        name: view.name.clone(),
        version: active.map_or_else(|| text("ops-no-version"), |build| format!("v{}", build.version)),
        state: state(view, active, &found.leases),
        position,
        lag,
        behind: behind(position, found.head.0),
        rate: reader.and_then(|reader| reader.events_per_s).or(seen).map_or_else(String::new, per_second),
        left: left.map_or_else(String::new, span),
        error: active.and_then(|build| build.error.clone()).or_else(|| reader?.last_error.clone()),
        spark: found.hour_of(ReaderKind::Projection, &view.name),
        rebuild: view.version.map(|_| Deed::Rebuild(view.name.clone()).act()),
        roll_back: retired.then(|| Deed::RollBack(view.name.clone()).act()),
        builds: others.map(|build| of_build(page, view, build, found, rates)).collect(),
    }
}

/// What streams the log to Kafka reads it too.
fn of_relay(relay: &ReaderStatus, found: &Found) -> View {
    let state = match relay.state {
        ReaderState::Running => State::of("ops-follows", "good"),
        ReaderState::Starting | ReaderState::Building => State::of("ops-starting", ""),
        ReaderState::Standby => State::of("ops-standby", "soft"),
        ReaderState::Paused => State::of("ops-paused", ""),
        ReaderState::Elsewhere => State::of("ops-elsewhere", "soft"),
        ReaderState::Retrying => State::of("ops-retrying", ""),
        ReaderState::Stopped => State::of("ops-stopped", "bad"),
    };
    let position = relay.position.unwrap_or(0);
    View {
        name: relay.name.clone(),
        version: String::new(),
        state,
        position,
        lag: relay.lag_events.unwrap_or(0),
        behind: behind(position, found.head.0),
        rate: relay.events_per_s.map_or_else(String::new, per_second),
        // Far below 2^53, and not negative.
        left: relay.time_left_s.filter(|left_s| *left_s > 0.0).map_or_else(String::new, |left_s| span(left_s as u64)),
        error: relay.last_error.clone(),
        spark: found.hour_of(ReaderKind::Relay, &relay.name),
        rebuild: None,
        roll_back: None,
        builds: Vec::new(),
    }
}

/// A view that nobody follows the log with is told apart from one that is behind.
fn state(view: &ViewOverview, active: Option<&BuildOverview>, leases: &[HeldLease]) -> State {
    let Some(active) = active else { return State::of("ops-not-built", "") };
    let lease = projections::lease_name(&view.name, active.version);
    if active.error.is_some() {
        State::of("ops-stopped", "bad")
    } else if leases.iter().all(|held| held.name != lease) {
        State::of("ops-nobody", "bad")
    } else if active.lag_events > 1_000 {
        State::of("ops-behind", "")
    } else {
        State::of("ops-follows", "good")
    }
}

fn of_build(page: &AdminPage, view: &ViewOverview, build: &BuildOverview, found: &Found, rates: &Rates) -> Build {
    let (state, makes) = match build.state {
        _ if build.error.is_some() => (State::of("ops-stopped", "bad"), false),
        BuildState::Filling => (State::of("ops-filling", ""), true),
        BuildState::CatchingUp => (State::of("ops-catching-up", ""), true),
        BuildState::Ready => (State::of("ops-ready", "good"), false),
        BuildState::Active => (State::of("ops-follows", "good"), false),
        BuildState::Retired => (State::of("ops-retired", "soft"), false),
    };
    let done = part(build.position.0, found.head.0);
    let left = rates.left_s(&build.schema, build.lag_events).filter(|_| makes).map(span);
    let words = match (makes, left) {
        (true, Some(left)) => text_with("ops-done-left", &[("done", done.into()), ("left", left.into())]),
        (true, None) => text_with("ops-done", &[("done", done.into())]),
        (false, _) => text_with("ops-rows", &[("rows", build.rows.into()), ("size", size(build.bytes).into())]),
    };
    let promote = Deed::Promote { view: view.name.clone(), build: build.schema.clone() };
    let is_whole = matches!(build.state, BuildState::Ready | BuildState::Retired | BuildState::CatchingUp);
    Build {
        name: build.schema.clone(),
        state,
        done: makes.then_some(done),
        words,
        since: page.ago(&build.since),
        error: build.error.clone(),
        diff: format!("/ops/projections/{}/diff/?b={}", view.name, build.schema),
        promote: (is_whole && view.version == Some(build.version)).then(|| promote.act()),
    }
}

/// How much of the whole, of a hundred; all of it only where nothing is missing.
fn part(done: u64, whole: u64) -> u32 {
    let part = u128::from(done.min(whole)) * 100;
    part.checked_div(u128::from(whole)).and_then(|part| u32::try_from(part).ok()).unwrap_or(100)
}

/// What is missing to the whole, of a hundred: nothing only where nothing is.
fn behind(done: u64, whole: u64) -> u32 {
    100_u32.saturating_sub(part(done, whole))
}

pub(super) fn per_second(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
}

/// A length of time, short.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_only_where_nothing_is_missing() {
        assert_eq!((part(0, 10), part(999, 1_000), part(1_000, 1_000), part(0, 0)), (0, 99, 100, 100));
        assert_eq!([behind(0, 10), behind(999, 1_000), behind(10, 10), behind(0, 0)], [100, 1, 0, 0]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.25, 12.4, 51_234.0].map(per_second), ["0/s", "0.2/s", "12/s", "51234/s"]);
        assert_eq!([5, 119, 120, 7_200, 200_000].map(span), ["5 s", "119 s", "2 min", "2 h", "2 d"]);
        assert_eq!([0, 8_192, 2_500_000, 3_200_000_000].map(size), ["0 kB", "9 kB", "2 MB", "3.2 GB"]);
    }
}
