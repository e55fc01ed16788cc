//! From the 201 to the order in the list, for a client that passes the position on.

use crate::bench::Bench;
use crate::contenders::drop_database;
use crate::orders;
use crate::report::Figure;
use crate::shop::Shop;
use crate::stats::{Latencies, microseconds};
use http::StatusCode;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::time::{Duration, Instant};

const ORDERS: u64 = 1_000;
const EVERY: Duration = Duration::from_millis(10);
const AT_MOST: Duration = Duration::from_secs(60);

pub async fn measure(bench: &mut Bench) {
    let (server, orders) = (bench.postgres(), bench.orders.clone());
    let shop = Shop::open(&server, &orders).await;
    let (api, mut projections) = (shop.api().await, shop.projections());
    shop.views_caught_up(Instant::now(), AT_MOST).await;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds() {
        let latencies = round_of(&shop, &api, bench.options.scaled(ORDERS)).await;
        eprintln!("  round {round}: p50 {:.2} ms, p99 {:.2} ms", latencies.ms(0.5), latencies.ms(0.99));
        p50.push(latencies.ms(0.5));
        p99.push(latencies.ms(0.99));
    }
    bench.found(Figure::new("visible", "201 → visible in the list, p50", "ms", p50).at_most(5.0));
    bench.found(Figure::new("visible", "201 → visible in the list, p99", "ms", p99).at_most(20.0));
    projections.sigterm();
    projections.wait().await;
    api.stop().await;
    drop_database(&shop.db).await;
}

async fn round_of(shop: &Shop, api: &crate::roles::Served, count: u64) -> Latencies {
    let (mut connection, mut random) = (shop.connect(api).await, SmallRng::from_os_rng());
    let (mut pace, mut us) = (tokio::time::interval(EVERY), Vec::new());
    for _ in 0..count {
        pace.tick().await;
        let email = orders::email(&mut random);
        let placed = connection.post("/v1/orders", &[], orders::body(&mut random, &email)).await;
        let answered = Instant::now();
        let placed = placed.and_then(|answer| answer.is(StatusCode::CREATED)).expect("an order");
        let headers = [("orders-min-position", placed.header("orders-position"))];
        let listed = connection.get("/v1/orders?limit=1", &headers).await.and_then(|answer| answer.is(StatusCode::OK));
        us.push(microseconds(answered.elapsed()));
        let (listed, id) = (listed.expect("the list"), placed.text_member("id").expect("an id"));
        assert_eq!(listed.text_member("id").expect("an order"), id, "the newest order is the one just placed");
    }
    Latencies::of(us)
}
