//! A view that can't go on stops, says why and what to do, and skips nothing.

use crate::history::{AnOrder, History, added, at, line, many_orders, product, usd};
use crate::process::{BOUND, Process};
use chrono_tz::Tz;
use domain::Position;
use domain::ids::OrderId;
use projections::order_list::{self, Filter, Whose};
use projections::order_totals::{self, Days};
use projections::{ReaderState, RunError};
use testkit::{Db, eventually};

async fn kept_error(process: &Process, name: &str) -> Option<String> {
    sqlx::query_scalar(
        "SELECT error FROM projection_builds WHERE schema_name = (SELECT active_schema FROM projections WHERE name = $1)",
    )
    .bind(name)
    .fetch_one(process.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn an_event_of_an_unknown_version_stops_it_right_before() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let orders = many_orders(3);
    let time = at("2026-03-01T10:00:00Z");
    process.catch_up("order_list").await;
    history.append(orders[0].placed(time)).await;
    let newer = |event_type: &str, version: &str| {
        if event_type == "OrderPlaced" { "99".to_owned() } else { version.to_owned() }
    };
    let unreadable = history.append_as(orders[1].placed(time), newer).await;
    history.append(orders[2].placed(time)).await;

    let error = process.run("order_list").ended().await.unwrap_err();
    assert!(matches!(error, RunError::Unreadable { .. }));
    let text = error.to_string();
    assert!(text.contains(&format!("the event at position {unreadable} can't be read")), "{text}");
    assert!(text.contains("unknown version `99` of the event type `OrderPlaced`"), "{text}");
    assert_eq!(kept_error(&process, "order_list").await.as_ref(), Some(&text));
    let status = process.views.statuses().into_iter().find(|status| status.name == "order_list").unwrap();
    assert_eq!(status.state, ReaderState::Stopped(text));

    let seen = order_list::list(&process.views, Whose::All, &Filter::default(), None, 50).await.unwrap();
    assert_eq!(seen.position.0, unreadable - 1, "all before it is in");
    assert_eq!(seen.value.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [OrderId(orders[0].id)]);

    // The catalogue does not want it.
    process.catch_up("products").await;
}

#[tokio::test]
async fn an_unknown_type_stops_whoever_wants_its_aggregate_and_nobody_else() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    history.append(product("TEA", added("TEA", usd("1.00")), at("2026-03-01T10:00:00Z"))).await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position,
                             event_id, recorded_at)
         SELECT 'order', gen_random_uuid()::text, 1, 'OrderGiftWrapped', '1', '{}', '{}', 2, gen_random_uuid(), now()",
    )
    .execute(process.pool())
    .await
    .unwrap();
    let error = process.run("order_totals").ended().await.unwrap_err();
    assert!(error.to_string().contains("unknown event type `OrderGiftWrapped`"), "{error}");
    process.catch_up("products").await;
}

#[tokio::test]
async fn ahead_of_the_log_it_refuses() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    history.append(many_orders(1)[0].placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up("order_list").await;
    sqlx::query(
        "INSERT INTO projection_checkpoints (schema_name, revision, position, serves) VALUES ('order_list_v3_1', 1000, 9, true)",
    )
    .execute(process.pool())
    .await
    .unwrap();
    let error = process.run("order_list").ended().await.unwrap_err();
    assert!(matches!(error, RunError::AheadOfLog { .. }));
    assert!(error.to_string().contains("at position 9, but the log ends at 2"), "{error}");
    assert_eq!(kept_error(&process, "order_list").await, Some(error.to_string()));
}

#[tokio::test]
async fn of_another_epoch_it_refuses_until_it_is_rebuilt() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let order = &many_orders(1)[0];
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    Process::open(&db).await.catch_up("order_list").await;
    sqlx::query("UPDATE log_head SET epoch = 2").execute(&db.owner_pool().await).await.unwrap();

    let process = Process::open(&db).await;
    let error = process.run("order_list").ended().await.unwrap_err();
    assert!(matches!(error, RunError::OtherLog { view_epoch: 1, epoch: 2, .. }), "{error}");
    assert!(error.to_string().ends_with("Run `orders projections rebuild order_list`"), "{error}");
    process.rebuild("order_list").await.unwrap();
    process.catch_up("order_list").await;
    assert!(order_list::get(&process.views, OrderId(order.id)).await.unwrap().value.is_some());
}

#[tokio::test]
async fn another_time_zone_asks_for_a_rebuild() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let order = AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
    history.append(order.placed(at("2026-03-01T23:30:00Z"))).await;
    let before = Process::open(&db).await;
    before.catch_up("order_totals").await;
    before.catch_up("order_list").await;

    let process = Process::open_in(&db, Tz::Europe__Berlin).await;
    let error = process.run("order_totals").ended().await.unwrap_err();
    assert!(matches!(error, RunError::SettingsChanged { .. }));
    assert_eq!(
        error.to_string(),
        "order_totals was built with time_zone UTC but time_zone Europe/Berlin is configured, so a rebuild is needed: \
         run `orders projections rebuild order_totals --time-zone Europe/Berlin`, or set it back"
    );
    process.catch_up("order_list").await;
    process.rebuild("order_totals").await.unwrap();
    process.catch_up("order_totals").await;
    let rows = order_totals::by_day(&process.views, Days::default(), None, 50).await.unwrap().value.rows;
    assert_eq!(rows[0].day.to_string(), "2026-03-02");
}

#[tokio::test]
async fn while_postgres_is_away_it_waits_says_so_and_goes_on_with_nothing_lost() {
    let server = testkit::postgres::PostgresServer::start();
    let db = server.database().await;
    let process = Process::open(&db).await;
    let running = process.run("order_list");
    process.caught_up("order_list").await;
    let mut last = Position::ORIGIN;
    for _ in 0..3 {
        // Killed in the middle of what the view does not wait for.
        let mut history = History::of(&db).await;
        for order in many_orders(20) {
            last = Position(history.append(order.placed(at("2026-03-01T10:00:00Z"))).await);
        }
        server.kill();
        eventually("it says that it tries again", BOUND, async || {
            process.views.statuses().into_iter().any(|status| matches!(status.state, ReaderState::Retrying(_)))
        })
        .await;
        server.restart();
    }
    eventually("it has caught up", BOUND, async || {
        order_list::list(&process.views, Whose::All, &Filter::default(), None, 1)
            .await
            .is_ok_and(|seen| seen.position == last)
    })
    .await;
    running.stop().await.unwrap();
    let live = process.rows("order_list_v3_1.orders").await;
    assert_eq!(live.len(), 60);
    process.rebuild("order_list").await.unwrap();
    assert_eq!(process.rows("order_list_v3_2.orders").await, live);
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_those_that_exist() {
    let process = Process::open(&Db::new().await).await;
    let error = process.run("orders").ended().await.unwrap_err();
    let told = "there is no projection `orders`; there are order_list, order_totals, products, categories, \
                newsletters, sales";
    assert_eq!(error.to_string(), told);
}
