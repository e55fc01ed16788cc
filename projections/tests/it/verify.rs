//! A view that is its history gives no difference, also while it moves on; each kind of damage is named.

use crate::history::{AnOrder, History, added, at, line, many_orders, product, seconds, usd};
use crate::process::Process;
use chrono_tz::Tz;
use commands::verify::{Stopped, Watch};
use domain::Position;
use projections::Views;
use projections::verify::{Difference, RowKey, Scratch, VerifyError, ViewChecked, ViewOutcome, verify_view};
use sqlx::{Connection, Executor, PgConnection};
use testkit::Db;
use tokio_util::sync::CancellationToken;

async fn outcome(process: &Process, scratch: &mut Scratch, name: &str) -> ViewOutcome {
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    verify_view(&process.log, scratch, name, &mut watch).await.unwrap()
}

async fn checked(process: &Process, name: &str) -> ViewChecked {
    let mut scratch = Scratch::open(process.pool()).await.unwrap();
    let outcome = outcome(process, &mut scratch, name).await;
    scratch.close().await.unwrap();
    match outcome {
        ViewOutcome::Checked(checked) => checked,
        other => panic!("{other:?}"),
    }
}

async fn differences(process: &Process, name: &str) -> Vec<String> {
    checked(process, name).await.differences.listed().iter().map(ToString::to_string).collect()
}

/// The schemas of verifications that are there.
async fn scratch_schemas(process: &Process) -> Vec<String> {
    sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname::text, '_verify_') ORDER BY 1")
        .fetch_all(process.pool())
        .await
        .unwrap()
}

/// Two products, and orders of which some were added to and some were paid.
async fn some_history(history: &mut History) -> Vec<AnOrder> {
    let start = at("2026-03-01T10:00:00Z");
    for sku in ["TEA", "CUP"] {
        history.append(product(sku, added(sku, usd("12.50")), start)).await;
    }
    let mut orders = many_orders(12);
    for (n, order) in orders.iter_mut().enumerate() {
        let time = start + seconds(n as i64 * 7_000);
        history.append(order.placed(time)).await;
        if n % 3 == 0 {
            history.append(order.item_added(line("CUP", usd("8.00"), 2), time + seconds(60))).await;
        }
        if n % 2 == 0 {
            history.append(order.payment(order.total(), time + seconds(120))).await;
        }
    }
    orders
}

async fn caught_up(db: &Db) -> (Process, Vec<AnOrder>) {
    let (mut history, process) = (History::of(db).await, Process::open(db).await);
    let orders = some_history(&mut history).await;
    for name in Views::names() {
        process.catch_up(name).await;
    }
    (process, orders)
}

async fn damage(db: &Db, sql: &str) {
    let touched = db.superuser_pool().await.execute(sql).await.unwrap().rows_affected();
    assert!(touched > 0, "{sql}");
}

#[tokio::test]
async fn views_that_are_their_history_give_no_difference() {
    let db = Db::new().await;
    let (process, orders) = caught_up(&db).await;
    let head = process.log.head().await.unwrap();
    for (name, version, rows) in [("order_list", 3, orders.len() as u64 + 1), ("products", 2, 2)] {
        let checked = checked(&process, name).await;
        assert_eq!(checked.differences.listed(), []);
        assert_eq!((checked.rows, checked.position, checked.head), (rows, head, head), "{name}");
        assert_eq!((checked.version, checked.schema.as_str()), (version, format!("{name}_v{version}_1").as_str()));
        assert_eq!(checked.stopped, None);
    }
    assert_eq!(differences(&process, "order_totals").await, [""; 0]);
    assert_eq!(scratch_schemas(&process).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_meanwhile_is_no_difference() {
    let db = Db::new().await;
    let process = Process::open(&db).await;
    let running: Vec<_> = Views::names().map(|name| process.run(name)).collect();
    let stop = CancellationToken::new();
    let load = {
        let (mut history, stop) = (History::of(&db).await, stop.clone());
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                for mut order in many_orders(20) {
                    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
                    history.append(order.item_added(line("CUP", usd("8.00"), 1), at("2026-03-01T11:00:00Z"))).await;
                    history.append(order.payment(order.total(), at("2026-03-02T11:00:00Z"))).await;
                }
            }
        })
    };
    for name in Views::names() {
        testkit::eventually("the view is built", crate::process::BOUND, async || process.views.position(name).await)
            .await;
    }
    let (mut rounds, mut last) = (0, Position::ORIGIN);
    while rounds < 3 || last < Position(300) {
        for name in Views::names() {
            let checked = checked(&process, name).await;
            assert_eq!(checked.differences.listed(), [], "{name}");
            last = checked.position;
        }
        rounds += 1;
    }
    stop.cancel();
    load.await.unwrap();
    for running in running {
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn rows_that_are_missing_changed_or_too_many_are_named() {
    let db = Db::new().await;
    let (process, orders) = caught_up(&db).await;
    let (missing, changed) = (orders[2].id, orders[3].id);
    let schema = process.active_schema("order_list").await;
    damage(&db, &format!("DELETE FROM {schema}.orders WHERE id = '{missing}'")).await;
    damage(&db, &format!("UPDATE {schema}.orders SET city = 'Paris', items = '[]' WHERE id = '{changed}'")).await;
    let found = checked(&process, "order_list").await.differences;
    let key = |id: uuid::Uuid| RowKey(vec![("id".to_owned(), id.to_string())]);
    let columns = vec!["city".to_owned(), "items".to_owned()];
    let table = || "orders".to_owned();
    assert_eq!(found.count(), 2);
    assert!(found.listed().contains(&Difference::RowMissing { table: table(), key: key(missing) }), "{found:?}");
    assert!(
        found.listed().contains(&Difference::RowDiffers { table: table(), key: key(changed), columns }),
        "{found:?}"
    );

    let totals = process.active_schema("order_totals").await;
    damage(
        &db,
        &format!("INSERT INTO {totals}.days SELECT '1999-12-31', currency, 1, 1, 0, 0 FROM {totals}.days LIMIT 1"),
    )
    .await;
    assert_eq!(
        differences(&process, "order_totals").await,
        ["days: the row day 1999-12-31, currency USD is of no event"]
    );
    assert_eq!(differences(&process, "products").await, [""; 0]);
}

#[tokio::test]
async fn tables_that_are_not_as_declared_are_named() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    let (list, totals) = (process.active_schema("order_list").await, process.active_schema("order_totals").await);
    let superuser = db.superuser_pool().await;
    superuser.execute(format!("ALTER TABLE {list}.orders DROP COLUMN city").as_str()).await.unwrap();
    superuser.execute(format!("DROP TABLE {totals}.placed_orders").as_str()).await.unwrap();
    assert_eq!(
        differences(&process, "order_list").await,
        ["orders: the columns are not those that this program makes"]
    );
    assert_eq!(differences(&process, "order_totals").await, ["the table placed_orders is missing"]);

    let products = process.active_schema("products").await;
    superuser
        .execute(format!("SET ROLE orders_app; CREATE TABLE {products}.more AS SELECT 1 AS n").as_str())
        .await
        .unwrap();
    assert_eq!(differences(&process, "products").await, ["the table more is none that this program makes"]);
}

#[tokio::test]
async fn an_event_that_is_gone_shows_in_the_views_that_saw_it() {
    let db = Db::new().await;
    let (process, orders) = caught_up(&db).await;
    let head = process.log.head().await.unwrap();
    let superuser = db.superuser_pool().await;
    superuser.execute("ALTER TABLE events DISABLE TRIGGER events_are_never_changed").await.unwrap();
    damage(&db, &format!("DELETE FROM events WHERE position = {head}")).await;
    let restarted = Process::open(&db).await;
    let found = differences(&restarted, "order_list").await;
    let gone = format!("it is at position {head}, but the log ends at {}", head.0 - 1);
    assert!(found[0].starts_with(&gone), "{found:?}");
    // It placed the last order.
    assert_eq!(found[1..], [format!("orders: the row id {} is of no event", orders[11].id)]);
}

#[tokio::test]
async fn a_view_of_another_epoch_or_version_is_not_compared() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    damage(&db, "UPDATE projection_builds SET version = 7, build = 7 WHERE projection = 'products'").await;
    let mut scratch = Scratch::open(process.pool()).await.unwrap();
    let other = outcome(&process, &mut scratch, "products").await;
    assert!(matches!(other, ViewOutcome::OtherVersion { served: 7, own: 2 }), "{other:?}");
    scratch.close().await.unwrap();

    damage(&db, "UPDATE log_head SET epoch = 2").await;
    let restarted = Process::open(&db).await;
    let found = differences(&restarted, "order_list").await;
    assert!(found.len() == 1 && found[0].contains("in epoch 1, not this one"), "{found:?}");
}

#[tokio::test]
async fn a_view_that_was_never_built_has_nothing_to_check() {
    let db = Db::new().await;
    let process = Process::open(&db).await;
    let mut scratch = Scratch::open(process.pool()).await.unwrap();
    assert!(matches!(outcome(&process, &mut scratch, "order_list").await, ViewOutcome::NotBuilt));
    scratch.close().await.unwrap();
}

/// The days of a build are those of the time zone that it was made with, whatever this process has configured.
#[tokio::test]
async fn a_build_is_checked_with_the_settings_that_it_was_made_with() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    history.append(many_orders(1)[0].placed(at("2026-03-01T23:30:00Z"))).await;
    Process::open_in(&db, Tz::Europe__Berlin).await.catch_up("order_totals").await;
    let process = Process::open(&db).await;
    assert_eq!(differences(&process, "order_totals").await, [""; 0]);
}

#[tokio::test]
async fn a_stopped_view_says_why_and_is_compared_where_it_is() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    let at_stop = process.log.head().await.unwrap();
    let order = AnOrder::of("eve@example.com", vec![line("TEA", usd("1.00"), 1)]);
    let mut history = History::of(&db).await;
    history.append_as(order.placed(at("2026-04-01T10:00:00Z")), |_, _| "9".to_owned()).await;
    assert!(process.run("order_list").ended().await.is_err());
    let checked = checked(&process, "order_list").await;
    assert_eq!(checked.differences.listed(), []);
    assert_eq!((checked.position, checked.head), (at_stop, Position(at_stop.0 + 2)));
    assert!(checked.stopped.unwrap().contains("unknown version `9`"));
}

#[tokio::test]
async fn two_at_once_do_not_meet() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    let work = async || {
        for _ in 0..4 {
            for name in Views::names() {
                assert_eq!(differences(&process, name).await, [""; 0]);
            }
        }
    };
    tokio::join!(work(), work(), work());
    assert_eq!(scratch_schemas(&process).await, [""; 0]);
}

#[tokio::test]
async fn what_a_killed_one_left_is_dropped_and_what_a_living_one_has_is_not() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    for run in ["0123abcd", "4567cdef"] {
        let leave = format!(
            "SET ROLE orders_app; CREATE SCHEMA _verify_{run}_order_list_seen; CREATE TABLE _verify_{run}_order_list_seen.orders ()"
        );
        let mut dead = PgConnection::connect(&db.app_url()).await.unwrap();
        dead.execute(leave.as_str()).await.unwrap();
        dead.close().await.unwrap();
    }
    let mut living = PgConnection::connect(&db.app_url()).await.unwrap();
    living.execute("SELECT pg_advisory_lock(hashtextextended('orders verify 4567cdef', 0))").await.unwrap();
    assert_eq!(differences(&process, "products").await, [""; 0]);
    assert_eq!(scratch_schemas(&process).await, ["_verify_4567cdef_order_list_seen"]);
    living.close().await.unwrap();
    Scratch::open(process.pool()).await.unwrap().close().await.unwrap();
    assert_eq!(scratch_schemas(&process).await, [""; 0]);
}

#[tokio::test]
async fn it_stops_when_it_is_told_and_leaves_nothing() {
    let db = Db::new().await;
    let (process, _) = caught_up(&db).await;
    let cancel = CancellationToken::new();
    let mut scratch = Scratch::open(process.pool()).await.unwrap();
    let mut calls = 0;
    let mut progress = |_: commands::verify::Progress<'_>| {
        calls += 1;
        if calls == 2 {
            cancel.cancel();
        }
    };
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut progress };
    let stopped = verify_view(&process.log, &mut scratch, "order_list", &mut watch).await;
    assert!(matches!(stopped, Err(VerifyError::Stopped(Stopped))));
    assert_eq!(scratch_schemas(&process).await, [""; 0]);
    scratch.close().await.unwrap();
}
