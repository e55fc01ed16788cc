//! Prices in memory, and what other processes do to the catalogue.

use crate::shop::Shop;
use commands::CommandError;
use domain::order::{ItemProblem, Rejection};
use domain::product;
use domain::{Money, Position, Sku};
use testkit::postgres::Db;

#[tokio::test]
async fn a_product_is_known_to_every_process_at_once() {
    let db = Db::new().await;
    let (here, there) = (Shop::open(&db).await, Shop::open(&db).await);
    for number in 0..20 {
        let sku = format!("NEW-{number}");
        here.add_product(&sku, "1.00").await;
        there.place(&sku, 1).await;
        here.on_product(&sku, product::Command::Withdraw).await.unwrap();
        here.on_product(&sku, product::Command::Restore).await.unwrap();
        there.place(&sku, 1).await;
    }
}

#[tokio::test]
async fn a_withdrawn_product_is_refused_by_the_process_that_withdrew_it() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.on_product("TEA", product::Command::Withdraw).await.unwrap();
    let refused = shop.try_place("TEA", 1, None).await.1.unwrap_err();
    let CommandError::Rejected { rejection: Rejection::Items(faults), .. } = refused else { panic!("{refused}") };
    assert_eq!(faults[0].problem, ItemProblem::Withdrawn);
}

#[tokio::test]
async fn a_process_that_starts_is_caught_up_before_it_serves() {
    let db = Db::new().await;
    let first = Shop::with_products(&db).await;
    first.place("TEA", 1).await;
    let second = Shop::open(&db).await;
    let prices = second.catalogue.prices();
    assert_eq!(prices.listing(&Sku::parse("TEA").unwrap()).unwrap().price, Money::parse("12.50", "USD").unwrap());
    assert_eq!(second.catalogue.position(), first.log.known_head());
}

/// More than one read takes in: read in parts, and complete all the same.
#[tokio::test]
async fn a_catalogue_of_many_thousand_products_is_known_whole() {
    let db = Db::new().await;
    let running = Shop::with_products(&db).await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             position, event_id, recorded_at)
         SELECT aggregate_type, 'SKU-' || nth, 1, event_type, event_version, payload, metadata,
                2 + nth, gen_random_uuid(), recorded_at
           FROM events, generate_series(1, 12000) AS nth WHERE position = 1",
    )
    .execute(&db.pool().await)
    .await
    .unwrap();
    let started = Shop::open(&db).await;
    assert_eq!(started.catalogue.position(), Position(12_002));
    for sku in ["TEA", "SKU-1", "SKU-5000", "SKU-10000", "SKU-12000"] {
        started.place(sku, 1).await;
        running.place(sku, 1).await;
    }
}

/// Whoever follows the catalogue must not read all orders for it.
#[tokio::test]
async fn products_are_found_without_reading_orders() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.place("TEA", 1).await;
    let pool = db.pool().await;
    let mut session = pool.acquire().await.unwrap();
    sqlx::query("SET enable_seqscan = off").execute(&mut *session).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT position FROM events WHERE aggregate_type = 'product' AND position > 0 ORDER BY position",
    )
    .fetch_all(&mut *session)
    .await
    .unwrap();
    assert!(plan.iter().any(|line| line.contains("events_of_products")), "{plan:?}");
}
