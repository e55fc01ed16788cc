//! Of several writers of one view, one wins each step.

use crate::history::{History, at, many_orders};
use crate::process::{BOUND, Process};
use domain::Position;
use projections::order_list::{self, Filter, Whose};
use projections::{ReaderState, RunError};
use testkit::{Db, eventually};

const NAME: &str = "order_list";

#[tokio::test]
async fn a_checkpoint_that_moved_lets_a_step_write_nothing() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    // Another writer is in the middle of a step from the same checkpoint …
    let mut other = process.pool().begin().await.unwrap();
    sqlx::query(
        "INSERT INTO projection_checkpoints (schema_name, revision, position, serves)
         SELECT schema_name, max(revision) + 1, 2, true FROM projection_checkpoints GROUP BY schema_name",
    )
    .execute(&mut *other)
    .await
    .unwrap();
    let orders = many_orders(2);
    history.append(orders[0].placed(time)).await;
    history.append(orders[1].placed(time)).await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
    eventually("the view waits for it", BOUND, async || {
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(process.pool()).await.unwrap() > 0
    })
    .await;
    // … and says that the first order is in, without having written it: what the view would have is told by what it
    // lacks.
    other.commit().await.unwrap();
    process.caught_up(NAME).await;
    let rows = order_list::list(&process.views, Whose::All, &Filter::default(), None, 50).await.unwrap().value.rows;
    assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [orders[1].id]);
    running.stop().await.unwrap();
}

/// What a crash takes from a view, whose steps do not wait for the disk, the log gives back.
#[tokio::test]
async fn steps_that_a_crash_took_are_taken_again() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let orders = many_orders(3);
    let running = process.run(NAME);
    for order in &orders[..2] {
        history.append(order.placed(time)).await;
        process.caught_up(NAME).await;
    }
    sqlx::query(
        "DELETE FROM projection_checkpoints WHERE revision = (SELECT max(revision) FROM projection_checkpoints)",
    )
    .execute(process.pool())
    .await
    .unwrap();
    sqlx::query("DELETE FROM order_list_v3_1.orders WHERE id = $1")
        .bind(orders[1].id)
        .execute(process.pool())
        .await
        .unwrap();
    history.append(orders[2].placed(time)).await;
    process.caught_up(NAME).await;
    running.stop().await.unwrap();
    let live = process.rows("order_list_v3_1.orders").await;
    assert_eq!(live.len(), 3);
    process.rebuild(NAME).await.unwrap();
    assert_eq!(process.rows("order_list_v3_2.orders").await, live);
}

#[tokio::test]
async fn one_leads_and_another_takes_over() {
    let db = Db::new().await;
    let (mut history, first, second) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let leading = first.run(NAME);
    first.caught_up(NAME).await;
    let standing_by = second.run(NAME);
    let state = |process: &Process| {
        process.views.statuses().into_iter().find(|status| status.name == NAME).map(|status| status.state)
    };
    eventually("the second stands by", BOUND, async || state(&second) == Some(ReaderState::Standby)).await;
    leading.stop().await.unwrap();
    eventually("the second leads", BOUND, async || state(&second) == Some(ReaderState::Running)).await;
    assert_eq!(state(&first), Some(ReaderState::Elsewhere));
    for order in many_orders(5) {
        history.append(order.placed(time)).await;
    }
    second.caught_up(NAME).await;
    let rows = order_list::list(&first.views, Whose::All, &Filter::default(), None, 50).await.unwrap().value.rows;
    assert_eq!(rows.len(), 5);
    standing_by.stop().await.unwrap();
}

/// Its connection may say nothing any more, and a step has a minute. Another leads by then, and writes.
#[tokio::test]
async fn who_loses_the_lead_in_the_middle_of_a_step_says_so_and_looks_at_what_the_other_writes() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let (time, orders) = (at("2026-03-01T10:00:00Z"), many_orders(2));
    history.append(orders[0].placed(time)).await;
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    let pool = db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE order_list_v3_1.orders").execute(&mut *holder).await.unwrap();
    let last = Position(history.append(orders[1].placed(time)).await);
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'order_list_v3_1.orders'::regclass";
    eventually("it is in the middle of a step", BOUND, async || {
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(process.pool()).await.unwrap() == 1
    })
    .await;
    // Nobody can renew its lease, nor take it.
    let lease = "SELECT FROM leases WHERE name = $1 FOR UPDATE";
    sqlx::query(lease).bind(projections::lease_name(NAME, 3)).execute(&mut *holder).await.unwrap();
    let mut watch = process.views.watch(NAME).unwrap();
    let told = watch.wait_for(|status| status.state == ReaderState::Standby);
    tokio::time::timeout(BOUND, told).await.expect("it says so").unwrap();
    sqlx::query(
        "INSERT INTO projection_checkpoints (schema_name, revision, position, serves)
         SELECT schema_name, max(revision) + 1, $1, true FROM projection_checkpoints GROUP BY schema_name",
    )
    .bind(last.as_i64())
    .execute(process.pool())
    .await
    .unwrap();
    assert_eq!(process.views.wait_for(NAME, last, BOUND).await.unwrap(), last);
    assert_eq!(process.views.position(NAME).await.unwrap(), last);
    holder.rollback().await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn old_revisions_are_swept() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let running = process.run(NAME);
    let time = at("2026-03-01T10:00:00Z");
    for order in many_orders(300) {
        history.append(order.placed(time)).await;
        process.caught_up(NAME).await;
    }
    running.stop().await.unwrap();
    let (kept, last): (i64, i64) = sqlx::query_as("SELECT count(*), max(revision) FROM projection_checkpoints")
        .fetch_one(process.pool())
        .await
        .unwrap();
    assert!(last >= 300 && kept < 256 + 64, "{kept} of {last}");
}

#[tokio::test]
async fn of_two_rebuilds_at_once_no_event_is_applied_twice() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    history.append(many_orders(4_000).iter().flat_map(|order| order.placed(time)).collect()).await;
    process.catch_up("order_totals").await;
    let live = process.rows("order_totals_v1_1.days").await;
    let (one, another) = tokio::join!(process.rebuild("order_totals"), other.rebuild("order_totals"));
    assert!(one.is_ok() || another.is_ok(), "{one:?} {another:?}");
    for outcome in [one, another] {
        assert!(matches!(outcome, Ok(_) | Err(RunError::Overtaken { .. })), "{outcome:?}");
    }
    let schema = process.active_schema("order_totals").await;
    assert_ne!(schema, "order_totals_v1_1");
    assert_eq!(process.rows(&format!("{schema}.days")).await, live);
}
