//! The schedule by kinds of work, for people.

use super::table::table;
use super::tell::duration;
use crate::ops::status::TaskStatus;

/// A line for each.
pub(super) fn shown(tasks: &[TaskStatus]) -> String {
    let heads = [
        "TASK",
        "WAITING",
        "DUE",
        "LATE FOR",
        "RUNNING",
        "FAILED",
        "PER HOUR",
        "TIME LEFT",
        "EVERY",
        "NEXT (UTC)",
        "LAST ERROR",
    ];
    table(heads, &tasks.iter().map(row).collect::<Vec<_>>())
}

fn row(task: &TaskStatus) -> [String; 11] {
    let span = |seconds: Option<f64>| seconds.map_or_else(String::new, duration);
    [
        task.task.clone(),
        task.waiting.to_string(),
        task.due.to_string(),
        span(task.overdue_s),
        task.running.to_string(),
        task.failed.to_string(),
        task.done_per_h.map_or_else(String::new, |done| done.to_string()),
        span(task.time_left_s),
        task.every_s.map_or_else(String::new, |seconds| format!("{seconds} s")),
        if task.cancelled { "cancelled".to_owned() } else { next(task) },
        task.last_error.clone().unwrap_or_default(),
    ]
}

fn next(task: &TaskStatus) -> String {
    task.next_at.as_deref().and_then(|at| at.get(..19)).unwrap_or_default().replace('T', " ")
}
