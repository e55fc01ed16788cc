//! The schedule, task by task.

use super::views::span;
use super::{Found, State};
use crate::admin::AdminPage;
use crate::admin::texts::text_with;
use crate::ops::status::TaskStatus;
use chrono::{DateTime, Utc};

/// What waits no longer than this is taken up in a moment.
const LATE_AFTER_S: f64 = 15.0;

/// A task.
pub(super) struct Row {
    pub(super) name: String,
    /// How often it is done, if it is periodic.
    pub(super) every: String,
    pub(super) state: State,
    pub(super) waiting: u64,
    pub(super) due: u64,
    /// For how long the first of those has waited.
    pub(super) late: String,
    pub(super) running: u64,
    pub(super) failed: u64,
    /// How many were done within an hour, or when it was done last.
    pub(super) rate: String,
    pub(super) left: String,
    /// The last hour: how many were due.
    pub(super) spark: String,
    pub(super) next: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
}

pub(super) fn of(page: &AdminPage, found: &Found) -> Vec<Row> {
    found.status.tasks.iter().map(|task| row(page, task, found)).collect()
}

fn row(page: &AdminPage, task: &TaskStatus, found: &Found) -> Row {
    let watched = format!("schedule {}", task.task);
    let is_stalled = found.status.stalled.iter().any(|stalled| stalled.reader == watched);
    let every = |every_s| text_with("ops-every", &[("time", span(every_s).into())]);
    let rate = match task.done_per_h {
        Some(done) => text_with("ops-per-hour", &[("count", done.into())]),
        None => time(task.last_run_at.as_deref()).map_or_else(String::new, |at| page.ago(&at)),
    };
    Row {
        name: task.task.clone(),
        every: task.every_s.map_or_else(String::new, every),
        state: state(task, is_stalled),
        waiting: task.waiting,
        due: task.due,
        late: task.overdue_s.map_or_else(String::new, whole),
        running: task.running,
        failed: task.failed,
        rate,
        left: task.time_left_s.map_or_else(String::new, whole),
        spark: found.due_within_hour(&task.task),
        next: time(task.next_at.as_deref()),
        error: task.last_error.clone(),
    }
}

fn state(task: &TaskStatus, is_stalled: bool) -> State {
    if is_stalled {
        State::of("ops-stands", "bad")
    } else if task.failed > 0 {
        State::of("ops-needs-person", "bad")
    } else if task.cancelled {
        State::of("job-cancelled", "")
    } else if task.overdue_s > Some(LATE_AFTER_S) {
        State::of("ops-late-task", "")
    } else if task.running > 0 {
        State::of("ops-running", "good")
    } else if task.waiting > 0 {
        State::of("ops-in-time", "good")
    } else {
        State::of("ops-idle", "soft")
    }
}

/// Seconds, as a length of time; not negative, and far below 2^53.
fn whole(seconds: f64) -> String {
    span(seconds.ceil() as u64)
}

/// A time as the status tells it.
fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text?).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worst_is_said_first() {
        let idle = TaskStatus::default();
        let in_time = TaskStatus { waiting: 1, overdue_s: Some(1.0), ..idle.clone() };
        let running = TaskStatus { running: 1, ..in_time.clone() };
        let late = TaskStatus { overdue_s: Some(60.0), ..running.clone() };
        let failed = TaskStatus { failed: 1, ..late.clone() };
        let rests = TaskStatus { cancelled: true, ..idle.clone() };
        let words: Vec<_> =
            [&idle, &in_time, &running, &late, &rests, &failed].map(|task| state(task, false).word).into();
        assert_eq!(words, ["Nothing to do", "In time", "Running", "Late", "Cancelled", "Needs a person"]);
        assert_eq!(state(&failed, true).word, "Stands still");
    }

    #[test]
    fn a_time_reads_back() {
        let at = time(Some("2026-01-31T08:00:01.500000Z")).unwrap();
        assert_eq!(at.timestamp_millis(), 1_769_846_401_500);
        assert_eq!((time(None), time(Some("soon"))), (None, None));
    }
}
