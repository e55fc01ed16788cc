//! The same key gives the same answer, and no second event.

use crate::http_support::{Reply, Shop, ada_buys, usd};
use futures::future::join_all;
use serde_json::json;
use std::collections::HashSet;

async fn count(shop: &Shop, event_type: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE event_type = $1";
    sqlx::query_scalar(sql).bind(event_type).fetch_one(&shop.db.pool().await).await.unwrap()
}

/// What a repeated request must answer again.
fn answer(reply: &Reply) -> (u16, String, [String; 3]) {
    let headers = ["location", "etag", "orders-position"].map(|name| reply.header(name).to_owned());
    (reply.status.as_u16(), reply.text.clone(), headers)
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_again() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let place = || api.post("/v1/orders", &ada_buys(&[("TEA", 1)])).header("idempotency-key", "k-1");
    let first = place().await.is(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    api.post(&format!("/v1/orders/{}/items", first.id()), &json!({ "sku": "CUP", "quantity": 1 })).await.is(200);
    for again in [place().await, place().header("idempotency-key", "\"k-1\"").await] {
        assert_eq!(answer(&again), answer(&first), "as it was then");
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    let other = shop.instance().await;
    let there = other.post("/v1/orders", &ada_buys(&[("TEA", 1)])).header("idempotency-key", "k-1").await;
    assert_eq!(answer(&there), answer(&first), "on another process too");
    assert_eq!(count(&shop, "OrderPlaced").await, 1);
}

#[tokio::test]
async fn a_key_is_its_holders_methods_and_paths_own() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let body = ada_buys(&[("TEA", 1)]);
    let first = api.post("/v1/orders", &body).header("idempotency-key", "k").await.is(201);
    let reused = api.post("/v1/orders", &ada_buys(&[("TEA", 2)])).header("idempotency-key", "k").await;
    reused.problem(422, "idempotency_key_reused");
    let stranger = shop.key(&[api::auth::Scope::OrdersWrite]).await;
    let theirs = api.post("/v1/orders", &body).header("idempotency-key", "k").key(&stranger).await.is(201);
    assert_ne!(theirs.id(), first.id());
    let item = json!({ "sku": "CUP", "quantity": 1 });
    api.post(&format!("/v1/orders/{}/items", first.id()), &item).header("idempotency-key", "k").await.is(200);
    for malformed in ["", "a b", "\"", &"x".repeat(256)] {
        let refused = api.post("/v1/orders", &body).header("idempotency-key", malformed).await;
        refused.problem(400, "invalid_header");
    }
    assert_eq!(count(&shop, "OrderPlaced").await, 2);
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let place = || api.post("/v1/orders", &ada_buys(&[("SOON", 1)])).header("idempotency-key", "k");
    place().await.problem(422, "items_rejected");
    api.add_product("SOON", "1.00").await;
    assert_eq!(place().await.is(201).header("idempotent-replayed"), "");
}

#[tokio::test]
async fn a_success_without_events_is_kept_too() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let withdraw = |key: &'static str| api.post("/v1/products/TEA/withdraw", &json!({})).header("idempotency-key", key);
    withdraw("k-1").await.is(200);
    let second = withdraw("k-2").await.is(200);
    assert_eq!(second.header("idempotent-replayed"), "", "it was carried out: there was nothing left to do");
    api.post("/v1/products/TEA/restore", &json!({})).await.is(200);
    let again = withdraw("k-2").await.is(200);
    assert_eq!((answer(&again), again.header("idempotent-replayed")), (answer(&second), "true"));
    assert_eq!(api.get("/v1/products/TEA").await.json()["status"], "active");
}

#[tokio::test]
async fn payments_need_a_key() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let id = api.place(&[("TEA", 1)]).await.id();
    let payment = json!({ "amount": usd("1.00"), "reference": "r" });
    let refused = api.post(&format!("/v1/orders/{id}/payments"), &payment).await;
    refused.problem(400, "idempotency_key_required");
}

#[tokio::test]
async fn a_replay_needs_no_matching_version() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let patch = || {
        let call = api.patch("/v1/products/TEA", &json!({ "name": "Tea" }));
        call.header("if-match", "\"1\"").header("idempotency-key", "k")
    };
    let first = patch().await.is(200);
    let again = patch().await.is(200);
    assert_eq!((answer(&again), again.header("idempotent-replayed")), (answer(&first), "true"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_duplicates_at_once_on_two_processes_make_one_order_and_fail_no_neighbour() {
    let shop = Shop::new().await;
    let instances = [shop.open().await, shop.instance().await];
    let body = ada_buys(&[("TEA", 1), ("CUP", 2)]);
    let duplicates = (0..50).map(|n| {
        let call = instances[n % 2].post("/v1/orders", &body).header("idempotency-key", "one");
        async move { call.await.is(201) }
    });
    let neighbours = (0..50).map(|n| {
        let call = instances[n % 2].post("/v1/orders", &body).header("idempotency-key", &format!("own-{n}"));
        async move { call.await.is(201) }
    });
    let (duplicates, neighbours) = tokio::join!(join_all(duplicates), join_all(neighbours));
    let answers: HashSet<_> = duplicates.iter().map(answer).collect();
    assert_eq!(answers.len(), 1, "all the same answer");
    assert_eq!(duplicates.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count(), 1);
    let ids: HashSet<_> = neighbours.iter().map(Reply::id).collect();
    assert_eq!(ids.len(), 50);
    assert_eq!(count(&shop, "OrderPlaced").await, 51);
}
