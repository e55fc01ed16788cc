//! How each task of the schedule is, whichever process carries it out.

use super::gather::{seconds_between, text};
use super::status::TaskStatus;
use chrono::{DateTime, Utc};
use commands::Schedule;
use commands::schedule::{JobState, TaskSummary};
use std::collections::BTreeMap;
use std::time::Duration;

/// Over which time the pace of a task is told.
const PACE_OVER: Duration = Duration::from_secs(60 * 60);

/// Each task that there are jobs of, and each of those `named`, by name.
pub(crate) async fn find(schedule: &Schedule, named: &[&'static str]) -> Result<Vec<TaskStatus>, sqlx::Error> {
    let (jobs, done) = (schedule.summary().await?, schedule.done(PACE_OVER).await?);
    let resting: Vec<_> = schedule.resting().await?.into_iter().map(|job| (job.task, job.every_s)).collect();
    Ok(of(&jobs, &done, &resting, named, schedule.now()))
}

/// `resting` are the periodic ones that were cancelled, with their pace.
fn of(
    jobs: &[TaskSummary],
    done: &[(String, u64)],
    resting: &[(String, Option<u64>)],
    named: &[&'static str],
    now: DateTime<Utc>,
) -> Vec<TaskStatus> {
    let mut tasks: BTreeMap<String, TaskStatus> = BTreeMap::new();
    for name in named {
        task(&mut tasks, name);
    }
    // The last error is the one of the jobs that were tried last.
    let mut erred_at: BTreeMap<&str, Option<DateTime<Utc>>> = BTreeMap::new();
    for jobs in jobs {
        let task = task(&mut tasks, &jobs.task);
        match jobs.state {
            JobState::Waiting => {
                task.waiting += jobs.jobs;
                task.due += jobs.due;
                task.next_at = jobs.due_at.map(text);
                task.overdue_s = jobs.due_at.filter(|due| *due < now).map(|due| seconds_between(due, now));
            }
            JobState::Running | JobState::Sending => task.running += jobs.jobs,
            JobState::Failed | JobState::Unknown => task.failed += jobs.jobs,
            // They are not among the open ones.
            JobState::Done | JobState::Cancelled => {}
        }
        task.every_s = task.every_s.or(jobs.every_s);
        task.last_run_at = task.last_run_at.take().max(jobs.last_run_at.map(text));
        if jobs.last_error.is_some()
            && (task.last_error.is_none() || erred_at.get(&*jobs.task) < Some(&jobs.last_run_at))
        {
            task.last_error.clone_from(&jobs.last_error);
            erred_at.insert(&jobs.task, jobs.last_run_at);
        }
    }
    for (name, every_s) in resting {
        let task = task(&mut tasks, name);
        (task.cancelled, task.every_s) = (true, *every_s);
    }
    for (name, jobs) in done {
        task(&mut tasks, name).done_per_h = Some(*jobs);
    }
    tasks.into_values().map(paced).collect()
}

fn task<'t>(tasks: &'t mut BTreeMap<String, TaskStatus>, name: &str) -> &'t mut TaskStatus {
    let new = || TaskStatus { task: name.to_owned(), ..Default::default() };
    tasks.entry(name.to_owned()).or_insert_with(new)
}

/// Says how much time is left, by how many were done. One that is periodic has its own pace.
fn paced(mut task: TaskStatus) -> TaskStatus {
    if task.every_s.is_none() {
        let done = task.done_per_h.unwrap_or(0);
        task.done_per_h = Some(done);
        // Far below 2^53.
        let left_s = |due: u64| due as f64 / done as f64 * PACE_OVER.as_secs_f64();
        task.time_left_s = Some(task.due).filter(|due| *due > 0 && done > 0).map(left_s);
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn jobs(task: &str, state: JobState, jobs: u64, due_at: Option<i64>) -> TaskSummary {
        let (due_at, due) = (due_at.map(at), 0);
        TaskSummary {
            task: task.to_owned(),
            state,
            jobs,
            due,
            due_at,
            every_s: None,
            last_run_at: None,
            last_error: None,
        }
    }

    #[test]
    fn what_waits_is_told_with_how_late_it_is_and_how_long_it_takes() {
        let waiting = TaskSummary { due: 30, ..jobs("letter", JobState::Waiting, 40, Some(900)) };
        let found = of(&[waiting], &[("letter".to_owned(), 60)], &[], &[], at(1_000));
        let [letter] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((letter.waiting, letter.due, letter.overdue_s), (40, 30, Some(100.0)));
        assert_eq!((letter.done_per_h, letter.time_left_s), (Some(60), Some(1_800.0)));
    }

    #[test]
    fn a_task_without_jobs_is_told_of_and_a_periodic_one_has_its_own_pace() {
        let sweep = TaskSummary { every_s: Some(60), ..jobs("sweep", JobState::Waiting, 1, Some(2_000)) };
        let found = of(&[sweep], &[], &[], &["letter", "sweep"], at(1_000));
        let told: Vec<_> = found.iter().map(|task| (task.task.as_str(), task.waiting, task.done_per_h)).collect();
        assert_eq!(told, [("letter", 0, Some(0)), ("sweep", 1, None)]);
        assert_eq!((found[1].overdue_s, found[1].time_left_s), (None, None));
    }

    #[test]
    fn a_periodic_task_that_was_cancelled_is_told_of_as_that() {
        let found = of(&[], &[], &[("sweep".to_owned(), Some(60))], &["letter", "sweep"], at(1_000));
        let told: Vec<_> = found.iter().map(|task| (task.task.as_str(), task.cancelled, task.every_s)).collect();
        assert_eq!(told, [("letter", false, None), ("sweep", true, Some(60))]);
    }

    #[test]
    fn the_last_error_is_the_newest_of_all_states() {
        let erred = |state, run_at, error: &str| TaskSummary {
            last_run_at: Some(at(run_at)),
            last_error: Some(error.to_owned()),
            ..jobs("letter", state, 1, None)
        };
        let (failed, unknown) = (JobState::Failed, JobState::Unknown);
        let found = of(&[erred(failed, 10, "old"), erred(unknown, 20, "new")], &[], &[], &[], at(30));
        assert_eq!((found[0].failed, found[0].last_error.as_deref()), (2, Some("new")));
        let found = of(&[erred(failed, 20, "new"), erred(unknown, 10, "old")], &[], &[], &[], at(30));
        assert_eq!(found[0].last_error.as_deref(), Some("new"));
    }
}
