//! Group commit: dense positions in commit order, whoever appends and whatever is open beside it.

use crate::shop::{Shop, check_log, item, submission};
use domain::Position;
use domain::order::Command;
use futures::future::join_all;
use std::collections::HashSet;
use std::time::Duration;
use testkit::postgres::Db;

#[tokio::test]
async fn an_order_is_one_append_with_a_position() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (id, done) = shop.try_place("TEA", 2, None).await;
    let done = done.unwrap();
    assert_eq!(done.position, Position(4), "two products, then ItemAdded and OrderPlaced");
    assert_eq!(shop.log.known_head(), Position(4));
    let order = shop.order(&id).await;
    assert_eq!((order.version, order.position), (2, Position(4)));
    assert_eq!(order.state.placed().unwrap().total.to_string(), "25.00 USD");
    check_log(&shop.log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_commits_and_keep_the_log_dense() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let ids = join_all((0..300).map(|_| shop.place("TEA", 1))).await;
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 300);
    assert_eq!(check_log(&shop.log).await, 602);
    let numbers: HashSet<_> =
        join_all(ids.iter().map(|id| shop.order(id))).await.iter().map(|o| o.state.placed().unwrap().number).collect();
    assert_eq!(numbers.len(), 300, "every order has a number of its own");
}

#[tokio::test]
async fn an_order_of_500_lines_is_one_append() {
    let db = Db::new().await;
    let shop = Shop::open(&db).await;
    for number in 0..500 {
        shop.add_product(&format!("SKU-{number}"), "1.00").await;
    }
    let id = domain::ids::OrderId(uuid::Uuid::now_v7()).to_string();
    let number = shop.gateway.next_order_number().await.unwrap();
    let items = (0..500).map(|number| item(&format!("SKU-{number}"), 1)).collect();
    let customer = crate::shop::ada().into();
    let place = Command::Place(domain::order::Place { number, customer, items, expected_total: None });
    let done = shop.gateway.submit(submission::<domain::order::Order>(&id, place)).await.unwrap();
    assert_eq!(done.position, Position(500 + 501));
}

#[tokio::test]
async fn a_reader_is_woken_and_other_processes_hear_of_it() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let head = there.log.head().await.unwrap();
    let waiting = there.log.wait_beyond(head, Duration::from_secs(10));
    let (_, woken) = tokio::join!(here.place("TEA", 1), waiting);
    assert!(woken > head);
    let seen = testkit::eventually("both events are read", Duration::from_secs(10), async || {
        let events = there.log.read(head, 10).await.unwrap();
        (events.len() == 2).then_some(events)
    })
    .await;
    assert_eq!(seen[1].event_type, "OrderPlaced");
}

#[tokio::test]
async fn positions_are_found_by_time() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    for _ in 0..5 {
        shop.place("TEA", 1).await;
    }
    for event in shop.log.read(Position::ORIGIN, 100).await.unwrap() {
        let found = shop.log.position_at(event.recorded_at).await.unwrap();
        assert!(found < event.position);
    }
    assert_eq!(shop.log.position_at(chrono::Utc::now() + chrono::TimeDelta::days(1)).await.unwrap(), Position(12));
}

/// A snapshot that stays open (an export, a backup) neither stops appends nor sees them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_go_on_under_an_open_snapshot() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let pool = db.pool().await;
    let mut open = pool.begin().await.unwrap();
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *open).await.unwrap();
    let before: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *open).await.unwrap();
    join_all((0..50).map(|_| shop.place("TEA", 1))).await;
    let under: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *open).await.unwrap();
    assert_eq!((before, under), (2, 2));
    assert_eq!(check_log(&shop.log).await, 102);
}
