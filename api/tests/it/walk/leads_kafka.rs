//! Two processes that can do everything: one leads the relay and the views, the other stands by. The first is killed
//! under load.

use super::{BOUND, Client, ada_buys, address_printed, make_key, serve, serving};
use projections::Views;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::kafka::KafkaBroker;
use testkit::smtp::Scripted;
use testkit::{Db, Launch, eventually};
use tokio_util::sync::CancellationToken;

/// What each process leads in, by its process id.
async fn leads(db: &Db, pid: u32) -> BTreeSet<String> {
    let listed = Launch::orders().args(["instances", "--json"]).env("DATABASE_URL", db.app_url()).run().await;
    let listed: Value = serde_json::from_str(&listed.succeeded()).unwrap();
    let instance = listed["data"].as_array().unwrap().iter().find(|instance| instance["pid"] == pid).cloned();
    let leads = instance.map(|instance| instance["leads"].as_array().unwrap().clone()).unwrap_or_default();
    leads.iter().map(|lead| lead["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_killed_under_load_is_followed_and_nothing_is_lost() {
    let (db, mail) = (Db::new().await, Scripted::start());
    let prefix = format!("leads{:08x}.", rand::random::<u32>());
    let (mut first, _) = serve(&db, &prefix, &mail, &[]).await;
    let everything = Views::names().count() + 1;
    eventually("the first leads everything", BOUND, async || leads(&db, first.pid()).await.len() == everything).await;
    let all = leads(&db, first.pid()).await;
    assert!(all.contains(&format!("{prefix}relay")) && all.contains("projection order_list v3"), "{all:?}");
    let mut second = serving(&db, &prefix, &mail, &[]).spawn();
    let address = address_printed(&mut second).await;
    let client = Arc::new(Client::new(&address, &make_key(&db.app_url()).await));

    let (stop, placed) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..3)
        .map(|caller| {
            let (client, stop, placed) = (Arc::clone(&client), stop.clone(), Arc::clone(&placed));
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    let body = ada_buys(&format!("ada{caller}@example.com"), &[("TEA-GREEN", 2), ("CUP", 1)]);
                    client.post("/v1/orders", &[], &body).await.is(201);
                    placed.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let more = async || {
        let before = placed.load(Ordering::Relaxed);
        eventually("orders are placed", BOUND, async || placed.load(Ordering::Relaxed) >= before + 20).await;
    };
    more().await;
    assert!(leads(&db, second.pid()).await.is_empty(), "it stands by");
    first.kill9();
    eventually("the second leads everything", BOUND, async || leads(&db, second.pid()).await == all).await;
    more().await;
    stop.cancel();
    for caller in callers {
        caller.await.unwrap();
    }

    let verify = Launch::orders()
        .args(["verify", "--json"])
        .env("DATABASE_URL", db.app_url())
        .env("KAFKA_BROKERS", KafkaBroker::shared().brokers())
        .env("ORDERS_KAFKA_PREFIX", &prefix);
    eventually("all is relayed, and verify finds nothing", BOUND, async || {
        let found = verify.run().await;
        assert_eq!(found.status.code(), Some(0), "{found:?}");
        let document: Value = serde_json::from_str(&found.stdout).unwrap();
        let relay = document["checks"].as_array().unwrap().iter().find(|check| check["name"] == "relay").cloned();
        let relayed = relay.is_some_and(|relay| relay["facts"]["position"] == document["position"]);
        if relayed { Ok(()) } else { Err(found.stdout) }
    })
    .await;
    second.sigterm();
    assert!(second.wait().await.success());
}
