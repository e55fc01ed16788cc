//! Work at a given time, and periodic work.

use super::super::deed::{Act, Deed};
use super::State;
use super::views::span;
use crate::admin::texts::text_with;
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use chrono::{DateTime, Utc};
use commands::schedule::JobState;

/// How many are shown, those that need a person and those that are next, besides periodic ones that were cancelled; the
/// page of the schedule has all.
const SHOWN: u32 = 20;

/// A job.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) task: String,
    pub(super) key: String,
    pub(super) state: State,
    pub(super) at: DateTime<Utc>,
    /// How often a periodic one is done.
    pub(super) every: String,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
    pub(super) run: Option<Act>,
    pub(super) cancel: Option<Act>,
}

pub(super) async fn find(app: &App) -> Result<Vec<Row>, Fault> {
    let schedule = app.members.schedule();
    let (jobs, resting) = (within(schedule.foremost(SHOWN)).await?, within(schedule.resting()).await?);
    Ok(jobs.into_iter().chain(resting).map(row).collect())
}

fn row(job: commands::schedule::Job) -> Row {
    let id = format!("job-{}", job.state.as_str());
    let tone = match job.state {
        JobState::Waiting | JobState::Running | JobState::Sending | JobState::Cancelled => "soft",
        JobState::Done => "good",
        JobState::Failed => "bad",
        JobState::Unknown => "",
    };
    let rests = job.state == JobState::Cancelled && job.every_s.is_some();
    let can_run = rests || matches!(job.state, JobState::Waiting | JobState::Failed | JobState::Unknown);
    let can_cancel = matches!(job.state, JobState::Waiting | JobState::Running | JobState::Failed | JobState::Unknown);
    Row {
        id: job.id,
        task: job.task,
        key: job.key,
        state: State::of(&id, tone),
        at: job.due_at.unwrap_or(job.run_at),
        every: job
            .every_s
            .map_or_else(String::new, |every_s| text_with("ops-every", &[("time", span(every_s).into())])),
        attempts: job.attempts,
        error: job.last_error,
        run: can_run.then(|| Deed::RunJob(job.id).act()),
        cancel: can_cancel.then(|| Deed::CancelJob(job.id).act()),
    }
}
