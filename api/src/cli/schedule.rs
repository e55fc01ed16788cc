//! `orders schedule`: work at a given time, as people see it and decide on it.

use super::With;
use super::actor::who;
use super::table::table;
use super::tasks;
use super::tell::{json, tell};
use crate::ops::tasks::find;
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, LogArgs};
use crate::v1::JobResource;
use clap::{Args, Subcommand};
use commands::schedule::{Decided, Job, PAGE_JOBS};
use commands::{Clock, Schedule};
use sqlx::PgPool;

const NOTHING: &str = "Nothing is scheduled.\n";

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Lists what is to be done at which time, what failed, and why
    List(With<ListArgs>),
    /// Shows each kind of work: what waits, how late it is, what failed, and at what pace it is done
    Tasks(With<TasksArgs>),
    /// Cancels jobs; a periodic one stays cancelled until it is run
    Cancel(With<DecideArgs>),
    /// Has jobs run now: those that wait, failed, or are of unknown outcome, and periodic ones that were cancelled
    Run(With<DecideArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Those too that ended well or were cancelled within the last 30 days
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
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl ScheduleCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::List(with) => &with.log,
            Self::Tasks(with) => &with.log,
            Self::Cancel(with) | Self::Run(with) => &with.log,
        }
    }

    fn database_args(&self) -> &DatabaseArgs {
        match self {
            Self::List(with) => &with.args.database,
            Self::Tasks(with) => &with.args.database,
            Self::Cancel(with) | Self::Run(with) => &with.args.database,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        tell(self.database_args(), "orders schedule", async |pool| self.run_on(pool).await).await
    }

    async fn run_on(&self, pool: &PgPool) -> Result<String, Failure> {
        let (schedule, who) = (Schedule::new(pool.clone(), Clock::system()), who());
        match self {
            Self::List(with) => {
                let jobs = all(&schedule, with.args.all).await?;
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
            Self::Cancel(with) => {
                for id in &with.args.ids {
                    decided(*id, "cancelled", schedule.cancel(*id, &who).await?)?;
                }
                Ok(format!("Cancelled: {}.\n", count(&with.args.ids)))
            }
            Self::Run(with) => {
                for id in &with.args.ids {
                    decided(*id, "run", schedule.run_now(*id, &who).await?)?;
                }
                Ok(format!("To be run now: {}.\n", count(&with.args.ids)))
            }
        }
    }
}

fn count(ids: &[i64]) -> String {
    match ids {
        [id] => format!("job {id}"),
        ids => format!("{} jobs", ids.len()),
    }
}

fn decided(id: i64, what: &str, decided: Decided) -> Result<(), Failure> {
    match decided {
        Decided::Done => Ok(()),
        Decided::NotPossible => {
            let why =
                format!("there is no job {id} that can be {what}: `orders schedule list --all` shows what there is");
            Err(Failure::new(why))
        }
    }
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
