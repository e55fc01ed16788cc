//! Work at a given time: once among many instances, within bounds, and nothing is lost by a crash.

use chrono::{DateTime, TimeDelta, Utc};
use commands::clock::Clock;
use commands::schedule::sweeps::Sweep;
use commands::schedule::{Decided, Done, Failure, Job, JobState, KEPT_FOR, NewJob, Retry, Run, Schedule, Task, Worker};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::PgPool;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::postgres::Db;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const RETRY: Retry = Retry { first: Duration::from_secs(10), longest: Duration::from_secs(10), attempts: 3 };

/// The hands of a clock, which a test moves.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || hands.at())
    }

    fn at(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// What a task of the tests does, and what it did.
#[derive(Default)]
struct Bell {
    every: Option<Duration>,
    rung: Mutex<Vec<String>>,
    /// How many of the next attempts fail.
    fails: AtomicU32,
    panics: AtomicBool,
    /// Whether it says that it acts outside.
    sends: AtomicBool,
    /// Whether it never ends, and that it has begun.
    hangs: AtomicBool,
    begun: Notify,
}

impl Bell {
    fn rung(&self) -> Vec<String> {
        self.rung.lock().unwrap().clone()
    }
}

struct Ring(Arc<Bell>);

impl Task for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn every(&self) -> Option<Duration> {
        self.0.every
    }

    fn at_most(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn retry(&self) -> Retry {
        RETRY
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        async move {
            let bell = &self.0;
            if bell.sends.load(Ordering::SeqCst) {
                run.sending().await?;
            }
            if bell.hangs.load(Ordering::SeqCst) {
                bell.begun.notify_one();
                std::future::pending::<()>().await;
            }
            assert!(!bell.panics.load(Ordering::SeqCst), "as a fault of the program");
            if bell.fails.load(Ordering::SeqCst) > 0 {
                bell.fails.fetch_sub(1, Ordering::SeqCst);
                return Err(Failure::Temporary("not now".to_owned()));
            }
            let count = run.payload()["count"].as_u64().unwrap_or_default() + 1;
            bell.rung.lock().unwrap().push(run.key().to_owned());
            Ok(Done::keeping(json!({ "count": count })))
        }
        .boxed()
    }
}

/// A schedule, its clock, and a task.
struct Tower {
    schedule: Schedule,
    hands: Hands,
    bell: Arc<Bell>,
    pool: PgPool,
}

impl Tower {
    async fn new(db: &Db, bell: Bell) -> Self {
        let (pool, hands) = (db.pool().await, Hands::default());
        Self { schedule: Schedule::new(pool.clone(), hands.clock()), hands, bell: Arc::new(bell), pool }
    }

    fn worker(&self) -> Worker {
        Worker::new(self.schedule.clone(), vec![Arc::new(Ring(Arc::clone(&self.bell)))])
    }

    async fn run_due(&self) -> usize {
        self.worker().run_due().await.unwrap()
    }

    /// Puts in a job that is due in so many seconds.
    async fn put(&self, key: &str, in_s: i64) -> bool {
        let run_at = self.hands.at() + TimeDelta::seconds(in_s);
        self.schedule.put(&NewJob { task: "ring", key, payload: json!({}), run_at }).await.unwrap()
    }

    async fn jobs(&self) -> Vec<Job> {
        self.schedule.list(0, 100, true).await.unwrap()
    }

    async fn job(&self) -> Job {
        let [job] = &self.jobs().await[..] else { panic!("not one job") };
        job.clone()
    }

    async fn payload(&self) -> serde_json::Value {
        sqlx::query_scalar("SELECT payload FROM scheduled_jobs").fetch_one(&self.pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_job_is_done_at_its_time_and_once_though_it_is_put_in_twice() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    assert!(tower.put("noon", 60).await);
    assert!(!tower.put("noon", 5).await);
    tower.hands.turn(59);
    assert_eq!(tower.run_due().await, 0);
    tower.hands.turn(1);
    assert_eq!((tower.run_due().await, tower.run_due().await), (1, 0));
    assert_eq!(tower.bell.rung(), ["noon"]);
    let job = tower.job().await;
    assert_eq!((job.state, job.due_at, job.attempts), (JobState::Done, None, 1));
    assert_eq!(tower.payload().await, json!({}), "what it knew is gone");
    assert!(!tower.put("noon", 0).await, "it stays done");
    assert!(tower.schedule.list(0, 10, false).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_instances_one_does_it() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    for number in 0..50 {
        tower.put(&format!("job {number:02}"), 0).await;
    }
    let workers: Vec<Worker> = (0..4).map(|_| tower.worker()).collect();
    let done = futures::future::join_all(workers.iter().map(Worker::run_due)).await;
    assert_eq!(done.into_iter().map(Result::unwrap).sum::<usize>(), 50);
    let mut rung = tower.bell.rung();
    rung.sort();
    assert_eq!(rung, (0..50).map(|number| format!("job {number:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_fails_is_tried_again_and_then_waits_for_a_person() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell { fails: AtomicU32::new(3), ..Bell::default() }).await;
    tower.put("noon", 0).await;
    for attempt in 1..=2 {
        assert_eq!((tower.run_due().await, tower.run_due().await), (1, 0), "a pause lies between");
        let job = tower.job().await;
        assert_eq!((job.state, job.attempts, job.last_error.as_deref()), (JobState::Waiting, attempt, Some("not now")));
        assert!(job.due_at > Some(tower.hands.at()));
        tower.hands.turn(10);
    }
    assert_eq!(tower.run_due().await, 1);
    let job = tower.job().await;
    assert_eq!((job.state, job.attempts, job.due_at), (JobState::Failed, 3, None));
    tower.hands.turn(10_000);
    assert_eq!(tower.run_due().await, 0);
    assert_eq!(tower.schedule.run_now(job.id, "Ada").await.unwrap(), Decided::Done);
    assert_eq!(tower.run_due().await, 1);
    assert_eq!(tower.bell.rung(), ["noon"]);
    assert_eq!(tower.schedule.run_now(job.id, "Ada").await.unwrap(), Decided::NotPossible);
}

#[tokio::test]
async fn a_panic_is_a_failure_like_others() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell { panics: AtomicBool::new(true), ..Bell::default() }).await;
    tower.put("noon", 0).await;
    assert_eq!(tower.run_due().await, 1);
    let job = tower.job().await;
    assert_eq!(job.state, JobState::Waiting);
    assert_eq!(job.last_error.as_deref(), Some("it panicked: as a fault of the program"));
}

#[tokio::test]
async fn what_is_cancelled_is_not_done() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("noon", 10).await;
    let id = tower.job().await.id;
    assert_eq!(tower.schedule.cancel(id, "Ada").await.unwrap(), Decided::Done);
    assert_eq!(tower.schedule.cancel(id, "Ada").await.unwrap(), Decided::NotPossible);
    tower.hands.turn(10);
    assert_eq!(tower.run_due().await, 0);
    let job = tower.job().await;
    assert_eq!((job.state, job.decided_by.as_deref()), (JobState::Cancelled, Some("Ada")));
    assert_eq!(tower.schedule.run_now(id, "Ada").await.unwrap(), Decided::NotPossible, "what it knew is gone");
}

/// Begins the job and drops the worker in the midst of it, as a crash does.
async fn cut_off(tower: &Tower) {
    tower.bell.hangs.store(true, Ordering::SeqCst);
    let worker = tower.worker();
    tokio::select! {
        _ = worker.run_due() => panic!("it never ends"),
        () = tower.bell.begun.notified() => {}
    }
    tower.bell.hangs.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn what_a_crash_cut_off_is_taken_up_when_its_lease_has_run_out() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("noon", 0).await;
    cut_off(&tower).await;
    assert_eq!(tower.job().await.state, JobState::Running);
    tower.hands.turn(600);
    assert_eq!(tower.run_due().await, 0, "the lease outlasts the longest attempt");
    tower.hands.turn(60);
    assert_eq!(tower.run_due().await, 1);
    assert_eq!((tower.job().await.state, tower.job().await.attempts), (JobState::Done, 2));
}

#[tokio::test]
async fn what_ends_the_program_each_time_is_left_alone_in_the_end() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("noon", 0).await;
    for _ in 0..RETRY.attempts {
        cut_off(&tower).await;
        tower.hands.turn(660);
    }
    assert_eq!(tower.run_due().await, 1);
    assert_eq!(tower.job().await.state, JobState::Failed);
    assert!(tower.bell.rung().is_empty());
}

#[tokio::test]
async fn what_was_cut_off_while_it_acted_outside_is_not_done_twice() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell { sends: AtomicBool::new(true), ..Bell::default() }).await;
    tower.put("noon", 0).await;
    cut_off(&tower).await;
    let id = tower.job().await.id;
    assert_eq!(tower.job().await.state, JobState::Sending);
    assert_eq!(tower.schedule.cancel(id, "Ada").await.unwrap(), Decided::NotPossible);
    tower.hands.turn(660);
    assert_eq!(tower.run_due().await, 0);
    let job = tower.job().await;
    assert_eq!((job.state, job.due_at), (JobState::Unknown, None));
    assert!(job.last_error.unwrap().contains("not known"));
    assert_eq!(tower.schedule.run_now(id, "Ada").await.unwrap(), Decided::Done);
    assert_eq!(tower.run_due().await, 1);
    assert_eq!(tower.bell.rung(), ["noon"]);
}

#[tokio::test]
async fn one_that_is_cancelled_before_it_acts_outside_does_not() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("noon", 0).await;
    cut_off(&tower).await;
    let id = tower.job().await.id;
    assert_eq!(tower.schedule.cancel(id, "Ada").await.unwrap(), Decided::Done);
    tower.hands.turn(660);
    assert_eq!(tower.run_due().await, 0);
    assert_eq!(tower.job().await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_periodic_job_keeps_its_beat_and_what_it_knows() {
    let db = Db::new().await;
    let bell = Bell { every: Some(Duration::from_secs(60)), ..Bell::default() };
    let tower = Tower::new(&db, bell).await;
    assert_eq!((tower.run_due().await, tower.run_due().await), (1, 0), "the first time is now");
    tower.hands.turn(59);
    assert_eq!(tower.run_due().await, 0);
    tower.hands.turn(1);
    assert_eq!(tower.run_due().await, 1);
    tower.hands.turn(3_600);
    assert_eq!((tower.run_due().await, tower.run_due().await), (1, 0), "what was missed is made up for once");
    assert_eq!(tower.payload().await, json!({ "count": 3 }));
    let job = tower.job().await;
    assert_eq!((job.state, job.every_s), (JobState::Waiting, Some(60)));
    assert_eq!(job.run_at, tower.hands.at() + TimeDelta::seconds(60));

    assert_eq!(tower.schedule.cancel(job.id, "Ada").await.unwrap(), Decided::Done);
    tower.hands.turn(600);
    assert_eq!(tower.run_due().await, 0, "a new start does not bring it back");
    assert_eq!(tower.schedule.run_now(job.id, "Ada").await.unwrap(), Decided::Done);
    assert_eq!(tower.run_due().await, 1);
    assert_eq!(tower.payload().await, json!({ "count": 4 }));
}

#[tokio::test]
async fn a_job_that_has_ended_can_be_put_in_again_after_a_while() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    let again = async || {
        let job = NewJob { task: "ring", key: "noon", payload: json!({}), run_at: tower.hands.at() };
        tower.schedule.put_again(&job, Duration::from_secs(300)).await.unwrap()
    };
    assert!(again().await, "there was none");
    assert!(!again().await, "it waits");
    assert_eq!(tower.run_due().await, 1);
    tower.hands.turn(299);
    assert!(!again().await, "it ended just now");
    tower.hands.turn(1);
    assert!(again().await);
    assert_eq!(tower.run_due().await, 1);
    assert_eq!(tower.bell.rung(), ["noon", "noon"]);
}

#[tokio::test]
async fn a_job_of_a_transaction_that_is_undone_is_none() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    let job = NewJob { task: "ring", key: "noon", payload: json!({}), run_at: tower.hands.at() };
    let mut transaction = tower.pool.begin().await.unwrap();
    assert!(tower.schedule.put_on(&mut transaction, &job).await.unwrap());
    transaction.rollback().await.unwrap();
    assert!(tower.jobs().await.is_empty());
    let mut transaction = tower.pool.begin().await.unwrap();
    assert!(tower.schedule.put_on(&mut transaction, &job).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(tower.run_due().await, 1);
}

#[tokio::test]
async fn jobs_that_have_ended_are_swept_once_they_are_old() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("done", 0).await;
    tower.put("later", 100 * 24 * 60 * 60).await;
    assert_eq!(tower.run_due().await, 1);
    let sweeper = Worker::new(tower.schedule.clone(), vec![Arc::new(Sweep::new(tower.schedule.clone()))]);
    assert_eq!(sweeper.run_due().await.unwrap(), 1);
    assert_eq!(tower.jobs().await.len(), 3);
    tower.hands.turn(i64::try_from(KEPT_FOR.as_secs()).unwrap() + 1);
    assert_eq!(sweeper.run_due().await.unwrap(), 1);
    let left: Vec<(String, JobState)> = tower.jobs().await.into_iter().map(|job| (job.key, job.state)).collect();
    assert_eq!(left, [("later".to_owned(), JobState::Waiting), (String::new(), JobState::Waiting)]);
}

#[tokio::test]
async fn what_failed_stays_to_be_seen_but_not_what_it_knew() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.bell.fails.store(RETRY.attempts, Ordering::SeqCst);
    let payload = json!({ "email": "ada@example.com" });
    let job = NewJob { task: "ring", key: "noon", payload: payload.clone(), run_at: tower.hands.at() };
    assert!(tower.schedule.put(&job).await.unwrap());
    for _ in 0..RETRY.attempts {
        tower.run_due().await;
        tower.hands.turn(11);
    }
    let known = async || -> (String, serde_json::Value) {
        let known = sqlx::query_as("SELECT state, payload FROM scheduled_jobs WHERE task = 'ring'");
        known.fetch_one(&tower.pool).await.unwrap()
    };
    tower.schedule.sweep().await.unwrap();
    assert_eq!(known().await, ("failed".to_owned(), payload));
    tower.hands.turn(i64::try_from(KEPT_FOR.as_secs()).unwrap() + 1);
    tower.schedule.sweep().await.unwrap();
    assert_eq!(known().await, ("failed".to_owned(), json!({})));
}

#[tokio::test]
async fn the_schedule_is_told_in_numbers_and_by_what_is_foremost() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    tower.put("done", 0).await;
    assert_eq!(tower.run_due().await, 1);
    tower.bell.fails.store(RETRY.attempts, Ordering::SeqCst);
    tower.put("failed", 0).await;
    for _ in 0..RETRY.attempts {
        tower.run_due().await;
        tower.hands.turn(11);
    }
    for (key, in_s) in [("later", 60), ("due", -5), ("late", -30)] {
        tower.put(key, in_s).await;
    }
    let summary = tower.schedule.summary().await.unwrap();
    let told: Vec<_> = summary.iter().map(|jobs| (jobs.state, jobs.jobs, jobs.due)).collect();
    assert_eq!(told, [(JobState::Failed, 1, 0), (JobState::Waiting, 3, 2)]);
    assert_eq!((summary[0].last_error.as_deref(), summary[1].last_error.as_deref()), (Some("not now"), None));
    assert_eq!(summary[1].due_at, Some(tower.hands.at() - TimeDelta::seconds(30)));

    let foremost = async |limit| -> Vec<String> {
        tower.schedule.foremost(limit).await.unwrap().into_iter().map(|job| job.key).collect()
    };
    assert_eq!(foremost(10).await, ["failed", "late", "due", "later"]);
    assert_eq!(foremost(2).await, ["failed", "late"]);

    let hour = Duration::from_secs(3_600);
    assert_eq!(tower.schedule.done(hour).await.unwrap(), [("ring".to_owned(), 1)]);
    tower.hands.turn(3_600);
    assert_eq!(tower.schedule.done(hour).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_worker_is_woken_by_what_is_put_in_and_brings_to_an_end_what_it_began() {
    let db = Db::new().await;
    let tower = Tower::new(&db, Bell::default()).await;
    let (worker, cancel) = (tower.worker(), CancellationToken::new());
    let running = tokio::spawn({
        let cancel = cancel.clone();
        async move { worker.run(&cancel).await }
    });
    tower.put("noon", 0).await;
    testkit::eventually("it is done", Duration::from_secs(60), async || !tower.bell.rung().is_empty()).await;
    cancel.cancel();
    running.await.unwrap();
    assert_eq!(tower.job().await.state, JobState::Done);
}
