//! Commands that race, on one process and on two.

use crate::http_support::{Shop, ada_buys, usd};
use api::app::HttpSettings;
use api::http::ServerSettings;
use commands::GatewaySettings;
use futures::future::join_all;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_name_a_version_one_wins() {
    let shop = Shop::new().await;
    let instances = [shop.open().await, shop.instance().await];
    let items = format!("/v1/orders/{}/items", instances[0].place(&[("TEA", 1)]).await.id());
    let body = json!({ "sku": "CUP", "quantity": 1 });
    let racing = (0..20).map(|n| {
        let call = instances[n % 2].post(&items, &body).header("if-match", "\"2\"");
        async move { call.await }
    });
    let (won, lost): (Vec<_>, Vec<_>) = join_all(racing).await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for reply in lost {
        assert_eq!(reply.problem(412, "version_mismatch").header("etag"), "\"3\"");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_name_none_are_all_served() {
    let shop = Shop::new().await;
    let instances = [shop.open().await, shop.instance().await];
    let id = instances[0].place(&[("TEA", 100)]).await.id();
    let items = format!("/v1/orders/{id}/items");
    let body = json!({ "sku": "CUP", "quantity": 1 });
    let adding = (0..40).map(|n| {
        let call = instances[n % 2].post(&items, &body);
        async move { call.await.is(200) }
    });
    let versions: std::collections::BTreeSet<u64> =
        join_all(adding).await.iter().map(|reply| reply.json()["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (3..=42).collect(), "each on the state that the one before left");
    let order = instances[1].get(&format!("/v1/orders/{id}")).header("orders-min-position", "44").await.is(200).json();
    assert_eq!((&order["total"], order["items"][1]["quantity"].as_u64()), (&usd("1570.00"), Some(40)));

    let paying = (0..20).map(|n| {
        let (api, id) = (&instances[n % 2], &id);
        async move { api.pay(id, "100.00", &format!("r-{n}")).await }
    });
    let (paid, refused): (Vec<_>, Vec<_>) = join_all(paying).await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((paid.len(), refused.len()), (15, 5));
    for reply in refused {
        assert_eq!(reply.problem(422, "above_balance").json()["balance"], usd("70.00"));
    }
}

/// A process that decides once, on a state that another process has gone on from.
#[tokio::test]
async fn whoever_is_always_second_is_told_so() {
    let shop = Shop::new().await;
    let other = shop.open().await;
    let once = GatewaySettings { max_attempts: 1, ..GatewaySettings::default() };
    let api = shop.instance_of(once, HttpSettings::default(), ServerSettings::default()).await;
    let items = format!("/v1/orders/{}/items", other.place(&[("TEA", 1)]).await.id());
    let body = json!({ "sku": "CUP", "quantity": 1 });
    api.post(&items, &body).await.is(200);
    other.post(&items, &body).await.is(200);
    let refused = api.post(&items, &body).await.problem(503, "contention");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(api.post(&items, &body).await.is(200).json()["version"], 5, "nothing came of the one that was refused");
}

/// A duplicate does not wait for ever: here the first can't get on, as somebody else holds the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_of_what_is_still_under_way_is_told_so() {
    let shop = Shop::new().await;
    let with_products = shop.open().await;
    let impatient = GatewaySettings { duplicate_waits: Duration::from_millis(50), ..GatewaySettings::default() };
    let api = shop.instance_of(impatient, HttpSettings::default(), ServerSettings::default()).await;
    let admin = shop.db.superuser_pool().await;
    let mut holder = admin.begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR NO KEY UPDATE").execute(&mut *holder).await.unwrap();

    let body = ada_buys(&[("TEA", 1)]);
    let call = || api.post("/v1/orders", &body).header("idempotency-key", "k");
    let (one, other) = tokio::join!(async { call().await }, async { call().await });
    let refused = [&one, &other].into_iter().filter(|reply| reply.status == 409).count();
    assert_eq!(refused, 1, "{} and {}", one.status, other.status);
    let duplicate = if one.status == 409 { one } else { other };
    assert_eq!(duplicate.problem(409, "request_in_flight").header("retry-after"), "1");

    holder.rollback().await.unwrap();
    let done = call().await.is(201);
    assert_eq!(call().await.is(201).json(), done.json());
    drop(with_products);
}
