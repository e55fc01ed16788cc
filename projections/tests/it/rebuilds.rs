//! A rebuild gives the same rows, resumes, and swaps in one step.

use crate::history::{AnOrder, History, added, at, line, many_orders, product, seconds, usd};
use crate::process::{BOUND, Process};
use domain::Position;
use domain::ids::OrderId;
use projections::order_list::{self, Filter, Whose};
use projections::{ReaderState, RunError};
use testkit::{Db, eventually};
use tokio_util::sync::CancellationToken;

const TABLES: &[(&str, &[&str])] = &[
    ("order_list", &["orders", "clock_distance"]),
    ("order_totals", &["days", "product_days", "placed_orders"]),
    ("products", &["products"]),
    ("sales", &["sold", "payment_times", "placed_orders"]),
];

/// A history with something of everything.
async fn some_history(history: &mut History) {
    let start = at("2026-03-01T10:00:00Z");
    for sku in ["TEA", "CUP"] {
        history.append(product(sku, added(sku, usd("12.50")), start)).await;
    }
    for (n, mut order) in many_orders(60).into_iter().enumerate() {
        let time = start + seconds(n as i64 * 7_000);
        history.append(order.placed(time)).await;
        if n % 3 == 0 {
            history.append(order.item_added(line("CUP", usd("8.00"), 2), time + seconds(60))).await;
        }
        if n % 4 == 0 {
            history.append(order.payment(usd("1.00"), time + seconds(90))).await;
        }
        if n % 2 == 0 {
            let rest = order.total().checked_sub(order.paid_amount).unwrap();
            history.append(order.payment(rest, time + seconds(120))).await;
        }
    }
}

#[tokio::test]
async fn it_gives_the_rows_that_the_live_view_has() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let running: Vec<_> = TABLES.iter().map(|(name, _)| process.run(name)).collect();
    some_history(&mut history).await;
    for (name, tables) in TABLES {
        process.caught_up(name).await;
        let live = process.active_schema(name).await;
        process.rebuild(name).await.unwrap();
        let rebuilt = process.active_schema(name).await;
        assert_ne!(live, rebuilt);
        for table in *tables {
            let rows = process.rows(&format!("{live}.{table}")).await;
            assert!(!rows.is_empty());
            assert_eq!(rows, process.rows(&format!("{rebuilt}.{table}")).await, "{table}");
        }
    }
    // The views that run go on with what was promoted.
    history
        .append(AnOrder::of("eve@example.com", vec![line("TEA", usd("1.00"), 1)]).placed(at("2026-04-01T10:00:00Z")))
        .await;
    for (name, _) in TABLES {
        process.caught_up(name).await;
    }
    for running in running {
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn killed_half_way_it_goes_on_from_there() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let orders = many_orders(6_000);
    let all: Vec<_> = orders.iter().flat_map(|order| order.placed(at("2026-03-01T10:00:00Z"))).collect();
    history.append(all).await;
    process.catch_up("order_list").await;
    let before = process.active_schema("order_list").await;

    let (cancel, mut batches) = (CancellationToken::new(), Vec::new());
    let cancelled = process
        .rebuild_until("order_list", &cancel, |progress| {
            batches.push(progress.done_events);
            cancel.cancel();
        })
        .await;
    assert!(matches!(cancelled, Err(RunError::Cancelled)));
    assert!(batches.len() == 1 && batches[0] < 12_000, "{batches:?}");
    assert_eq!(process.active_schema("order_list").await, before, "readers keep the old rows");

    let mut resumed = Vec::new();
    let go_on = CancellationToken::new();
    let rebuilt = process
        .rebuild_until("order_list", &go_on, |progress| resumed.push((progress.done_events, progress.total_events)))
        .await
        .unwrap();
    assert_eq!(rebuilt.schema, "order_list_v3_2", "the build that was begun");
    assert!(resumed[0].0 > batches[0], "nothing is done twice");
    assert_eq!(resumed.last(), Some(&(12_000, 12_000)));
    assert_eq!(rebuilt.position, Position(12_000));
    let rows = process.rows("order_list_v3_2.orders").await;
    assert_eq!(rows.len(), 6_000);
    assert_eq!(rows, process.rows("order_list_v3_1.orders").await);
}

#[tokio::test]
async fn readers_see_the_old_rows_until_the_swap_and_never_go_back() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let running = process.run("order_list");
    history.append(many_orders(1)[0].placed(at("2026-03-01T10:00:00Z"))).await;
    process.caught_up("order_list").await;

    let reader = Process::open(&db).await;
    let done = CancellationToken::new();
    let stop = done.clone();
    let reading = tokio::spawn(async move {
        let (mut last, mut rows, mut reads) = (Position::ORIGIN, 0, 0_u32);
        while !stop.is_cancelled() {
            let seen = order_list::list(&reader.views, Whose::All, &Filter::default(), None, 200).await.unwrap();
            assert!(seen.position >= last, "{} after {last}", seen.position);
            assert!(seen.value.rows.len() >= rows, "no order vanishes");
            (last, rows, reads) = (seen.position, seen.value.rows.len(), reads + 1);
        }
        reads
    });
    for round in 0..8 {
        for order in many_orders(10) {
            history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
        }
        let rebuilt = process.rebuild("order_list").await.unwrap();
        assert_eq!(rebuilt.schema, format!("order_list_v3_{}", round + 2));
    }
    process.caught_up("order_list").await;
    done.cancel();
    assert!(reading.await.unwrap() > 0);
    running.stop().await.unwrap();

    let schemas: Vec<String> =
        sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'order\\_list\\_%' ORDER BY 1")
            .fetch_all(process.pool())
            .await
            .unwrap();
    assert_eq!(schemas, ["order_list_v3_8", "order_list_v3_9"], "the build before is kept, older ones are gone");
}

/// Whatever the clock says: it was a year ahead when the first build was retired.
#[tokio::test]
async fn the_build_that_is_kept_is_the_one_retired_last() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    history.append(many_orders(1)[0].placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up("order_list").await;
    process.rebuild("order_list").await.unwrap();
    sqlx::query("UPDATE projection_builds SET updated_at = now() + interval '1 year' WHERE state = 'retired'")
        .execute(&db.superuser_pool().await)
        .await
        .unwrap();
    process.rebuild("order_list").await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT schema_name::text FROM projection_builds WHERE projection = 'order_list' AND state = 'retired'",
    )
    .fetch_all(process.pool())
    .await
    .unwrap();
    assert_eq!(kept, ["order_list_v3_2"]);
}

#[tokio::test]
async fn a_view_that_runs_elsewhere_moves_to_the_promoted_build() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    let running = process.run("order_list");
    let orders = many_orders(2);
    history.append(orders[0].placed(at("2026-03-01T10:00:00Z"))).await;
    process.caught_up("order_list").await;
    other.rebuild("order_list").await.unwrap();
    history.append(orders[1].placed(at("2026-03-01T10:00:00Z"))).await;
    process.caught_up("order_list").await;
    for reader in [&process, &other] {
        other.caught_up("order_list").await;
        assert!(order_list::get(&reader.views, OrderId(orders[1].id)).await.unwrap().value.is_some());
    }
    assert_eq!(process.rows("order_list_v3_1.orders").await.len(), 1, "the retired build is left as it was");
    assert_eq!(process.rows("order_list_v3_2.orders").await.len(), 2);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_first_build_starts_on_a_log_with_history() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    some_history(&mut history).await;
    let running = process.run("order_totals");
    eventually("it follows the log", BOUND, async || {
        process.views.statuses().into_iter().any(|status| status.state == ReaderState::Running)
    })
    .await;
    process.caught_up("order_totals").await;
    running.stop().await.unwrap();
}
