//! Carries out what is due.

use super::job::{Claimed, Next};
use super::task::{Done, Failure, Run, Task};
use super::{Schedule, table, traced};
use futures::FutureExt;
use futures::future::join_all;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How many jobs one process works on at once.
const MAX_AT_ONCE: usize = 8;
/// How often a process looks for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while the database is away.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// By how much a job's lease outlasts its task: for writing what came of it, and for clocks that differ.
const LEASE_OUTLASTS_BY: Duration = Duration::from_secs(60);
/// How often writing what came of a job is tried, with these pauses before. Then its lease decides.
const WRITE_PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Carries out the jobs of some tasks; cheap to clone. Others are left to the processes that know them.
#[derive(Clone)]
pub struct Worker {
    schedule: Schedule,
    tasks: Arc<[Arc<dyn Task>]>,
}

impl Worker {
    /// A worker for these tasks, no two of which have one name.
    pub fn new(schedule: Schedule, tasks: Vec<Arc<dyn Task>>) -> Self {
        Self { schedule, tasks: tasks.into() }
    }

    /// Carries out what is due, when it is, until `cancel`; what is under way then is brought to its end. A database
    /// that is away is waited for.
    pub async fn run(&self, cancel: &CancellationToken) {
        let mut under_way = JoinSet::new();
        let mut is_registered = false;
        while !cancel.is_cancelled() {
            let room = MAX_AT_ONCE - under_way.len();
            let pause = match self.look(&mut is_registered, room).await {
                Ok(claimed) => {
                    for job in claimed {
                        let worker = self.clone();
                        under_way.spawn(async move { worker.carry_out(job).await });
                    }
                    LOOK_EVERY
                }
                Err(error) => {
                    tracing::warn!(%error, "what is due can't be looked for; it is tried again");
                    LOOK_AGAIN_AFTER
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(_) = under_way.join_next() => {}
                () = self.schedule.put_in.notified(), if under_way.len() < MAX_AT_ONCE => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Carries out all that is due now, and says how many jobs that were. For tests, which move the clock themselves.
    pub async fn run_due(&self) -> Result<usize, sqlx::Error> {
        let (mut is_registered, mut count) = (false, 0);
        loop {
            let claimed = self.look(&mut is_registered, MAX_AT_ONCE).await?;
            if claimed.is_empty() {
                return Ok(count);
            }
            count += claimed.len();
            join_all(claimed.into_iter().map(|job| self.carry_out(job))).await;
        }
    }

    /// Claims what is due, at most `room` jobs.
    async fn look(&self, is_registered: &mut bool, room: usize) -> Result<Vec<Claimed>, sqlx::Error> {
        let (pool, now) = (&self.schedule.pool, self.schedule.now());
        if !*is_registered {
            for (name, every) in self.tasks.iter().filter_map(|task| Some((task.name(), task.every()?))) {
                table::register(pool, name, every, now).await?;
            }
            *is_registered = true;
        }
        if room == 0 {
            return Ok(Vec::new());
        }
        let names: Vec<&'static str> = self.tasks.iter().map(|task| task.name()).collect();
        let given_up = table::give_up_sending(pool, &names, now).await?;
        if given_up > 0 {
            tracing::error!(jobs = given_up, "jobs were cut off while they acted outside; see `orders schedule list`");
        }
        let leases: Vec<(&'static str, Duration)> =
            self.tasks.iter().map(|task| (task.name(), lease(task.as_ref()))).collect();
        table::claim(pool, &leases, room, now).await
    }

    async fn carry_out(&self, job: Claimed) {
        let Some(task) = self.tasks.iter().find(|task| task.name() == job.task) else { return };
        let (name, retry) = (task.name(), task.retry());
        let span = traced::span(name, &job);
        let outcome = if job.attempt() > retry.attempts {
            // None of the attempts before came to an end: what the work does may be what ends the program.
            Err(Failure::Permanent("each attempt was cut off: the program ended in the midst of it".to_owned()))
        } else {
            self.attempt(task.as_ref(), job.clone()).instrument(span.clone()).await
        };
        traced::ended(&span, tell(name, &outcome), &outcome);
        if let Some(next) = job.after(outcome, retry, self.schedule.now()) {
            self.write(name, &job, &next).await;
        }
    }

    /// One attempt: within its time, and a panic is contained.
    async fn attempt(&self, task: &dyn Task, job: Claimed) -> Result<Done, Failure> {
        let (pool, clock) = (self.schedule.pool.clone(), self.schedule.clock.clone());
        let mut run = Run::new(job, pool, clock, lease(task));
        let at_most = task.at_most();
        let ended = tokio::time::timeout(at_most, AssertUnwindSafe(task.run(&mut run)).catch_unwind()).await;
        match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(run.cut_short(format!("it panicked: {}", panic_text(panic.as_ref())))),
            Err(_) => Err(run.cut_short(format!("it took longer than {} s", at_most.as_secs()))),
        }
    }

    async fn write(&self, task: &'static str, job: &Claimed, next: &Next) {
        for pause in WRITE_PAUSES {
            tokio::time::sleep(pause).await;
            match table::finish(&self.schedule.pool, job, next, self.schedule.now()).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(task, id = job.id, "a job that has ended was another's by then, or was cancelled");
                    return;
                }
                Err(error) => tracing::warn!(%error, task, id = job.id, "what came of a job can't be written yet"),
            }
        }
        tracing::error!(task, id = job.id, "what came of a job could not be written; its lease decides");
    }
}

fn lease(task: &dyn Task) -> Duration {
    task.at_most() + LEASE_OUTLASTS_BY
}

/// Tells what an attempt came to, and says it in a word.
fn tell(task: &'static str, outcome: &Result<Done, Failure>) -> &'static str {
    let word = match outcome {
        Ok(_) => "done",
        Err(Failure::Temporary(_)) => "retried",
        Err(Failure::Permanent(_)) => "failed",
        Err(Failure::Unknown(_)) => "unknown",
        Err(Failure::Lost) => "lost",
    };
    metrics::counter!("orders_jobs_total", "task" => task, "outcome" => word).increment(1);
    match outcome {
        Err(Failure::Temporary(reason)) => tracing::warn!(task, reason, "a job is put off"),
        Err(Failure::Permanent(reason) | Failure::Unknown(reason)) => {
            tracing::error!(task, reason, "a job needs a person: see `orders schedule list`");
        }
        Ok(_) | Err(Failure::Lost) => {}
    }
    word
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".to_owned())
}
