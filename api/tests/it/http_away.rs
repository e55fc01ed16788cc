//! PostgreSQL away, or refusing: an answer within seconds, nothing half-written, and back to normal by itself.

use crate::http_support::{Shop, ada_buys};
use api::auth::Scope;
use futures::future::join_all;
use std::time::{Duration, Instant};
use testkit::eventually;
use testkit::postgres::PostgresServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_every_request_is_503_within_seconds() {
    let server = PostgresServer::start();
    let shop = Shop::on(server.database().await).await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    api.get("/v1/orders").header("orders-min-position", placed.header("orders-position")).await.is(200);
    server.kill();

    let order = ada_buys(&[("TEA", 1)]);
    let path = format!("/v1/orders/{}", placed.id());
    let started = Instant::now();
    let (place, read, list, search, products, totals, events) = tokio::join!(
        async { api.post("/v1/orders", &order).header("idempotency-key", "k").await },
        async { api.get(&path).await },
        async { api.get("/v1/orders").await },
        async { api.post("/v1/orders/search", &serde_json::json!({ "number": 1 })).await },
        async { api.get("/v1/products").await },
        async { api.get("/v1/totals?by=day").await },
        async { api.get("/v1/events").await },
    );
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    let code = place.json()["code"].clone();
    assert!(code == "unavailable" || code == "outcome_unknown", "{}", place.text);
    assert!(!place.is(503).header("retry-after").is_empty());
    for reply in [read, list, search, products, totals, events] {
        assert_eq!(reply.problem(503, "unavailable").header("retry-after"), "2");
    }
    api.get("/healthz").await.is(200);

    server.restart();
    let again = eventually("orders are taken again", Duration::from_secs(30), async || {
        let reply = api.post("/v1/orders", &order).header("idempotency-key", "k").await;
        (reply.status == 201).then_some(reply)
    })
    .await;
    let events = api.get("/v1/events?after=4").await.is(200);
    assert_eq!(events.text.lines().count(), 2, "the order that was refused left nothing behind: {}", events.text);
    assert_eq!(again.position(), 6);
}

/// Each pooled connection has just been used, and is dead: nobody who reads hears of it once the server is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_back_fails_no_read() {
    let server = PostgresServer::start();
    let shop = Shop::on(server.database().await).await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    api.get("/v1/orders").header("orders-min-position", placed.header("orders-position")).await.is(200);
    let order = format!("/v1/orders/{}", placed.id());
    let read_all = async || {
        for path in ["/v1/orders", &order, "/v1/products", "/v1/totals?by=day", "/v1/events"] {
            // A key that was not seen yet is read as well.
            let key = shop.key(&[Scope::OrdersRead, Scope::Analyst]).await;
            for reply in join_all((0..8).map(|_| async { api.get(path).key(&key).await })).await {
                reply.is(200);
            }
        }
    };
    read_all().await;
    for _ in 0..3 {
        shop.db.cut_sessions().await;
        read_all().await;
    }
    server.kill();
    server.restart();
    read_all().await;
}

#[tokio::test]
async fn a_log_that_another_session_holds_is_no_hang() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut holder = shop.db.superuser_pool().await.begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *holder).await.unwrap();
    let place = || api.post("/v1/orders", &ada_buys(&[("TEA", 1)])).header("idempotency-key", "k");
    let started = Instant::now();
    place().await.problem(503, "unavailable");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    api.get("/v1/orders").await.is(200);
    holder.rollback().await.unwrap();
    assert_eq!(place().await.is(201).header("idempotent-replayed"), "", "nothing was written before");
}

/// What PostgreSQL takes from nobody, however often it comes, is no outage: who sent it is told so, and nobody else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_be_written_is_a_500_of_its_own() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.add_product("POT", "30.00").await;
    let owner = shop.db.owner_pool().await;
    sqlx::query("ALTER TABLE events ADD CONSTRAINT no_pots CHECK (payload::text NOT LIKE '%\"POT\"%') NOT VALID")
        .execute(&owner)
        .await
        .unwrap();
    let (pot, tea) = (ada_buys(&[("POT", 1)]), ada_buys(&[("TEA", 1)]));
    let place_pot = || async { api.post("/v1/orders", &pot).header("idempotency-key", "pot").await };
    let place_tea = || async { api.post("/v1/orders", &tea).await };
    for _ in 0..3 {
        let (before, refused, after) =
            tokio::join!(join_all((0..8).map(|_| place_tea())), place_pot(), join_all((0..8).map(|_| place_tea())));
        let refused = refused.problem(500, "not_storable");
        assert_eq!(refused.header("retry-after"), "", "the same again is refused again");
        assert!(!refused.text.contains("no_pots"), "why is for the log alone: {}", refused.text);
        for placed in before.into_iter().chain(after) {
            placed.is(201);
        }
    }
    sqlx::query("ALTER TABLE events DROP CONSTRAINT no_pots").execute(&owner).await.unwrap();
    assert_eq!(place_pot().await.is(201).header("idempotent-replayed"), "", "nothing was written before");
}
