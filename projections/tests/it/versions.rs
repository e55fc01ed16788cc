//! An older and a newer program side by side: each follows and reads its own version, before, during and after an
//! exchange.

use crate::history::{History, at, many_orders};
use crate::process::{BOUND, Process, Running};
use domain::{Event, Position, Recorded};
use projections::order_list::{self, Filter, OrderList, Whose};
use projections::{
    Asked, BuildState, Definition, Projection, ProjectionError, ReadError, ReaderState, RunError, ViewTransaction,
    Wants, ask_for_build, build_beside, drop_build, overview, promote, rollback,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Db, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const NAME: &str = "order_list";
const OLD: &str = "order_list_v3_1";
const NEW: &str = "order_list_v4_1";

const ANYHOW: Asked<'static> = Asked { expected: None, by: "test" };

/// The list as the newer program has it.
struct NewerList;

impl Projection for NewerList {
    const NAME: &'static str = OrderList::NAME;
    const VERSION: u32 = OrderList::VERSION + 1;
    const TABLES: &'static str = OrderList::TABLES;
    const INDEXES: &'static str = OrderList::INDEXES;
    const WANTS: Wants = OrderList::WANTS;

    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        OrderList::apply(batch, view).await
    }
}

static NEWER: &[Definition] = &[Definition::of::<NewerList>()];

async fn place(history: &mut History, orders: u32) {
    for order in many_orders(orders) {
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
}

async fn states(process: &Process) -> Vec<(String, BuildState)> {
    let (_, views) = overview(&process.views).await.unwrap();
    let view = views.into_iter().find(|view| view.name == NAME).unwrap();
    view.builds.into_iter().map(|build| (build.schema, build.state)).collect()
}

fn state(process: &Process) -> ReaderState {
    process.views.statuses().into_iter().find(|status| status.name == NAME).unwrap().state
}

async fn stopped(process: &Process) -> String {
    let reason = async || match state(process) {
        ReaderState::AwaitsPromotion(reason) => Ok(reason),
        other => Err(format!("{other:?}")),
    };
    eventually("it stops", BOUND, reason).await
}

async fn listed(process: &Process) -> Result<usize, ReadError> {
    let page = order_list::list(&process.views, Whose::All, &Filter::default(), None, 200).await?;
    Ok(page.value.rows.len())
}

async fn beside(process: &Process) -> String {
    build_beside(&process.views, NAME, "test", &CancellationToken::new(), &mut |_| ()).await.unwrap().schema
}

async fn promoted(process: &Process, build: &str) {
    promote(&process.views, NAME, build, ANYHOW, &CancellationToken::new(), &mut |_| ()).await.unwrap();
}

async fn rolled_back(process: &Process) {
    rollback(&process.views, NAME, ANYHOW, &CancellationToken::new(), &mut |_| ()).await.unwrap();
}

/// What was asked for and came to nothing: action and outcome.
async fn refusals(process: &Process) -> Vec<(String, String)> {
    sqlx::query_as("SELECT action, outcome FROM operator_actions WHERE outcome <> 'done' ORDER BY id")
        .fetch_all(process.pool())
        .await
        .unwrap()
}

/// Somebody who reads without a pause, and is never refused, nor shown less than before.
struct Reader {
    stop: CancellationToken,
    reads: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Reader {
    async fn of(db: &Db, definitions: &'static [Definition]) -> Self {
        let (process, stop) = (Process::of(db, definitions).await, CancellationToken::new());
        let reads: Arc<AtomicU64> = Arc::default();
        let (stopped, count) = (stop.clone(), Arc::clone(&reads));
        let task = tokio::spawn(async move {
            let (mut last, mut rows) = (Position::ORIGIN, 0);
            while !stopped.is_cancelled() {
                let seen = order_list::list(&process.views, Whose::All, &Filter::default(), None, 200).await.unwrap();
                assert!(seen.position >= last, "{} after {last}", seen.position);
                assert!(seen.value.rows.len() >= rows, "no order vanishes");
                (last, rows) = (seen.position, seen.value.rows.len());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { stop, reads, task }
    }

    /// Waits until it has read once more.
    async fn reads(&self) {
        let before = self.reads.load(Ordering::Relaxed);
        eventually("it reads", BOUND, async || {
            assert!(!self.task.is_finished(), "it was refused");
            self.reads.load(Ordering::Relaxed) > before
        })
        .await;
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Two programs that run, the older one's build serving and the newer one's waiting.
async fn side_by_side(db: &Db) -> (Process, Process, [Running; 2]) {
    let (old, new) = (Process::open(db).await, Process::of(db, NEWER).await);
    let follows_old = old.run(NAME);
    old.caught_up(NAME).await;
    assert_eq!(beside(&new).await, NEW);
    let follows_new = new.run(NAME);
    (old, new, [follows_old, follows_new])
}

#[tokio::test]
async fn both_answer_throughout_an_exchange_and_back() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    place(&mut history, 3).await;
    let (old, new, running) = side_by_side(&db).await;
    let reason = stopped(&new).await;
    assert!(reason.contains("order_list_v4_1 is of version 4") && reason.contains("waits for a person"), "{reason}");
    let before = listed(&new).await;
    assert!(matches!(before, Err(ReadError::OtherVersion { served: 3, own: 4, .. })), "{before:?}");
    let reads_old = Reader::of(&db, projections::REGISTRY).await;
    reads_old.reads().await;

    promoted(&new, NEW).await;
    let reads_new = Reader::of(&db, NEWER).await;
    let (old_api, new_api) = (Process::open(&db).await, Process::of(&db, NEWER).await);
    for round in 0..3 {
        for _ in 0..4 {
            place(&mut history, 5).await;
            for process in [&old, &new, &old_api, &new_api] {
                process.caught_up(NAME).await;
            }
        }
        let orders = 3 + 20 * (round + 1);
        assert_eq!((listed(&old_api).await.unwrap(), listed(&new_api).await.unwrap()), (orders, orders));
        reads_old.reads().await;
        reads_new.reads().await;
        rolled_back(if round % 2 == 0 { &old } else { &new }).await;
    }
    assert_eq!(old.active_schema(NAME).await, OLD);
    assert_eq!((state(&old), state(&new)), (ReaderState::Running, ReaderState::Running));
    reads_old.end().await;
    reads_new.end().await;
    for running in running {
        running.stop().await.unwrap();
    }
    let same = old.rows(&format!("{OLD}.orders")).await == new.rows(&format!("{NEW}.orders")).await;
    assert!(same, "each is what its history says");
}

#[tokio::test]
async fn what_another_version_reads_is_kept_until_nobody_follows_it() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    place(&mut history, 1).await;
    let (old, new, [follows_old, follows_new]) = side_by_side(&db).await;
    promoted(&new, NEW).await;
    for _ in 0..2 {
        new.rebuild(NAME).await.unwrap();
    }
    let kept: Vec<String> = states(&new).await.into_iter().map(|(build, _)| build).collect();
    assert_eq!(kept, [OLD, "order_list_v4_2", "order_list_v4_3"], "only what nobody reads is dropped");
    let refused = drop_build(&new.views, NAME, OLD, "test").await.unwrap_err();
    assert!(matches!(refused, RunError::IsFollowed { version: 3, .. }), "{refused}");
    assert_eq!(refusals(&new).await, [("projection.drop".to_owned(), "refused".to_owned())]);

    follows_old.stop().await.unwrap();
    // As when it has been so for a while.
    sqlx::query("UPDATE leases SET until = until - interval '1 minute' WHERE name = $1")
        .bind(projections::lease_name(NAME, 3))
        .execute(&db.superuser_pool().await)
        .await
        .unwrap();
    let nobody = listed(&old).await;
    assert!(matches!(nobody, Err(ReadError::OtherVersion { served: 4, own: 3, .. })), "{nobody:?}");
    let follows_old = old.run(NAME);
    eventually("it is followed again", BOUND, async || listed(&old).await).await;
    follows_old.stop().await.unwrap();
    sqlx::query("UPDATE leases SET until = until - interval '1 minute'")
        .execute(&db.superuser_pool().await)
        .await
        .unwrap();
    new.rebuild(NAME).await.unwrap();
    assert!(!states(&new).await.iter().any(|(build, _)| build == OLD), "nobody reads it any more");
    follows_new.stop().await.unwrap();
}

#[tokio::test]
async fn an_own_build_promoted_back_is_followed_in_place_of_the_one_before() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    place(&mut history, 1).await;
    let (old, new, running) = side_by_side(&db).await;
    promoted(&new, NEW).await;
    place(&mut history, 1).await;
    old.caught_up(NAME).await;
    // Made anew by the older program, while its build before is followed.
    assert_eq!(beside(&old).await, "order_list_v3_2");
    promoted(&old, "order_list_v3_2").await;
    place(&mut history, 1).await;
    for process in [&old, &new] {
        process.caught_up(NAME).await;
        assert_eq!(listed(process).await.unwrap(), 3);
    }
    for running in running {
        running.stop().await.unwrap();
    }
    assert_eq!(old.rows("order_list_v3_2.orders").await.len(), 3);
}

#[tokio::test]
async fn nobody_is_promised_a_build_that_is_never_made() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    place(&mut history, 1).await;
    let (old, new, running) = side_by_side(&db).await;
    promoted(&new, NEW).await;
    rolled_back(&old).await;
    let before = states(&new).await;
    let refused = ask_for_build(&new.views, NAME, "key:1", true).await.unwrap_err();
    assert!(matches!(&refused, RunError::RolledBack { served: 3, own: 4, build, .. } if build == NEW), "{refused}");
    assert_eq!(states(&new).await, before);
    let other = promote(&new.views, NAME, OLD, ANYHOW, &CancellationToken::new(), &mut |_| ()).await.unwrap_err();
    assert!(matches!(other, RunError::OtherProgram { version: 3, own: 4, .. }), "{other}");
    promoted(&new, NEW).await;
    let refused = ask_for_build(&old.views, NAME, "key:1", true).await.unwrap_err();
    assert!(matches!(refused, RunError::NewerVersion { served: 4, own: 3, .. }), "{refused}");
    let told = ["projection.rebuild", "projection.promote", "projection.rebuild"]
        .map(|action| (action.to_owned(), "refused".to_owned()));
    assert_eq!(refusals(&new).await, told);
    for running in running {
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn an_older_program_without_a_build_says_who_serves_and_waits() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    place(&mut history, 1).await;
    let (old, new) = (Process::open(&db).await, Process::of(&db, NEWER).await);
    let follows_new = new.run(NAME);
    new.caught_up(NAME).await;
    let follows_old = old.run(NAME);
    let reason = stopped(&old).await;
    assert!(reason.starts_with("order_list is served in version 4, which a newer program promoted"), "{reason}");
    beside(&old).await;
    promoted(&old, OLD).await;
    place(&mut history, 1).await;
    for process in [&old, &new] {
        process.caught_up(NAME).await;
        assert_eq!(listed(process).await.unwrap(), 2);
    }
    follows_old.stop().await.unwrap();
    follows_new.stop().await.unwrap();
}
