//! `orders schedule`: work at a given time, as people see it and decide on it.

use super::With;
use super::actor::who;
use super::each::{self, Each};
use super::table::table;
use super::tasks;
use super::tell::{json, tell};
use super::times;
use crate::ops::tasks::find;
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, LogArgs};
use crate::v1::JobResource;
use clap::{Args, Subcommand};
use commands::schedule::{Decided, Job, JobState, PAGE_JOBS};
use commands::{Clock, Schedule};
use sqlx::PgPool;

const NOTHING: &str = "Nothing is scheduled.\n";
const HINT: &str = "`orders schedule list --all` shows what there is";

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Lists what is to be done at which time, what failed, and why
    List(With<ListArgs>),
    /// Shows each kind of work: what waits, how late it is, what failed, and at what pace it is done
    Tasks(With<TasksArgs>),
    /// Cancels jobs; a periodic one stays cancelled until it is run. Says first which
    Cancel(With<CancelArgs>),
    /// Has jobs run now: those that wait, failed, or are of unknown outcome, and periodic ones that were cancelled
    Run(With<DecideArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Those too that ended well or were cancelled within the last 30 days; periodic ones that were cancelled are
    /// always there
    #[arg(long)]
    all: bool,
    /// One JSON document for each job, a line each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct TasksArgs {
    /// One JSON document for each kind of work, a line each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct DecideArgs {
    /// Which, as `orders schedule list` shows them
    #[arg(value_name = "ID", required = true, value_parser = times::id)]
    ids: Vec<i64>,
    /// Tell what is done as JSON, an object for each job
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// Do it: without, what would be cancelled is told, and nothing is done
    #[arg(long)]
    yes: bool,
}

impl ScheduleCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::List(with) => &with.log,
            Self::Tasks(with) => &with.log,
            Self::Cancel(with) => &with.log,
            Self::Run(with) => &with.log,
        }
    }

    fn database_args(&self) -> &DatabaseArgs {
        match self {
            Self::List(with) => &with.args.database,
            Self::Tasks(with) => &with.args.database,
            Self::Cancel(with) => &with.args.decide.database,
            Self::Run(with) => &with.args.database,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        tell(self.database_args(), "orders schedule", async |pool| self.run_on(pool).await).await
    }

    async fn run_on(&self, pool: &PgPool) -> Result<String, Failure> {
        let (schedule, who) = (Schedule::new(pool.clone(), Clock::system()), who());
        match self {
            Self::List(with) => {
                let mut jobs = all(&schedule, with.args.all).await?;
                if !with.args.all {
                    jobs.extend(schedule.resting().await?);
                    jobs.sort_by_key(|job| job.id);
                }
                if with.args.json {
                    jobs.iter().map(|job| json(&JobResource::of(job))).collect()
                } else {
                    Ok(list(&jobs))
                }
            }
            Self::Tasks(with) => {
                // Which there may be besides, the processes know that carry them out.
                let found = find(&schedule, &[]).await?;
                match (with.args.json, found.is_empty()) {
                    (true, _) => found.iter().map(json).collect(),
                    (false, true) => Ok(NOTHING.to_owned()),
                    (false, false) => Ok(tasks::shown(&found)),
                }
            }
            Self::Cancel(With { args: CancelArgs { decide, yes: false }, .. }) => to_cancel(&schedule, decide).await,
            Self::Cancel(with) => {
                let DecideArgs { ids, .. } = &with.args.decide;
                let each = with.args.decide.each();
                each.decide(ids, async |id| Ok(told(id, "Cancelled", "cancelled", schedule.cancel(id, &who).await?)))
                    .await?;
                Ok(String::new())
            }
            Self::Run(with) => {
                let DecideArgs { ids, .. } = &with.args;
                let each = with.args.each();
                each.decide(ids, async |id| Ok(told(id, "To be run now", "run", schedule.run_now(id, &who).await?)))
                    .await?;
                Ok(String::new())
            }
        }
    }
}

impl DecideArgs {
    const fn each(&self) -> Each {
        Each { name: "id", json: self.json, hint: HINT }
    }
}

fn told(id: i64, done: &str, to_be: &str, decided: Decided) -> each::Decided {
    match decided {
        Decided::Done => Ok(format!("{done}: job {id}")),
        Decided::NotPossible => Err(format!("there is no job {id} that can be {to_be}")),
    }
}

/// What would be cancelled: nothing is done.
async fn to_cancel(schedule: &Schedule, args: &DecideArgs) -> Result<String, Failure> {
    let mut jobs = Vec::new();
    for id in &args.ids {
        let found = schedule.list(id.saturating_sub(1), 1, true).await?;
        let open = |job: &Job| !matches!(job.state, JobState::Done | JobState::Sending | JobState::Cancelled);
        let job = found.into_iter().find(|job| job.id == *id && open(job));
        jobs.push(job.ok_or_else(|| Failure::new(format!("there is no job {id} that can be cancelled: {HINT}")))?);
    }
    if args.json {
        return jobs.iter().map(|job| json(&JobResource::of(job))).collect();
    }
    let periodic = jobs.iter().any(|job| job.every_s.is_some());
    let rests = if periodic { " A periodic job then rests until `orders schedule run ID`." } else { "" };
    Ok(format!("{}\nThis would be cancelled.{rests} Nothing is done yet: --yes does it.\n", list(&jobs)))
}

async fn all(schedule: &Schedule, all: bool) -> Result<Vec<Job>, Failure> {
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        let after = jobs.last().map_or(0, |job| job.id);
        let page = schedule.list(after, PAGE_JOBS, all).await?;
        if page.is_empty() {
            return Ok(jobs);
        }
        jobs.extend(page);
    }
}

fn list(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return NOTHING.to_owned();
    }
    let rows: Vec<[String; 8]> = jobs
        .iter()
        .map(|job| {
            [
                job.id.to_string(),
                job.task.clone(),
                job.key.clone(),
                job.state.as_str().to_owned(),
                job.due_at.map_or_else(String::new, |at| at.format("%F %T").to_string()),
                job.every_s.map_or_else(String::new, |seconds| format!("{seconds} s")),
                job.attempts.to_string(),
                job.last_error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["ID", "TASK", "OF", "STATE", "NEXT (UTC)", "EVERY", "TRIED", "LAST ERROR"], &rows)
}
