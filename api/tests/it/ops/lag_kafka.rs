//! How far consumers are behind on a real Kafka, as each process tells it, and that somebody is missing.

use super::super::http_support::{BOUND, Shop, buys, usd};
use super::super::walk::client::Client;
use super::super::walk::served_address;
use api::auth::Scope;
use api::ops::status::{ReaderStatus, Status};
use serde_json::json;
use testkit::kafka::KafkaBroker;
use testkit::smtp::Scripted;
use testkit::{Launch, Program, eventually, free_port};

/// A program that tells how it is.
struct Told {
    program: Program,
    address: String,
}

impl Told {
    /// Waits until its numbers have all of these lines.
    async fn shows(&self, what: &str, lines: &[&str]) {
        let url = format!("http://{}/metrics", self.address);
        eventually(what, BOUND, async || {
            let asked = Launch::of("curl").args(["-sS", "--fail", &url]).run().await;
            let missing: Vec<_> =
                lines.iter().filter(|line| !asked.stdout.lines().any(|shown| shown == **line)).collect();
            let ours =
                || asked.stdout.lines().filter(|line| line.contains("order_mail") || line.contains("orders_led"));
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} in {:#?}", ours().collect::<Vec<_>>())) }
        })
        .await;
    }

    /// Waits until an event has waited longer than that for the consumer.
    async fn waits_longer_than(&self, seconds: f64) {
        let url = format!("http://{}/metrics", self.address);
        eventually("an event waits for long", BOUND, async || {
            let asked = Launch::of("curl").args(["-sS", "--fail", &url]).run().await;
            let value = asked.stdout.lines().find_map(|line| line.strip_prefix(WAITED));
            let waited: Option<f64> = value.and_then(|value| value.trim().parse().ok());
            if waited > Some(seconds) { Ok(()) } else { Err(format!("{waited:?}")) }
        })
        .await;
    }

    /// What it has said of the consumer's standing still.
    fn stalls(&self) -> Vec<String> {
        let output = self.program.output();
        let told = output.lines().filter(|line| line.contains("there is work, but no progress"));
        told.filter(|line| line.contains("consumer order_mail")).map(str::to_owned).collect()
    }

    async fn stop(mut self) {
        self.program.sigterm();
        assert!(self.program.wait().await.success(), "{}", self.program.output());
    }
}

const WAITED: &str = "orders_consumer_lag_seconds{consumer=\"order_mail\"}";

const UP_TO_DATE: [&str; 5] = [
    "orders_stalled{reader=\"consumer order_mail\"} 0",
    "orders_consumer_lag_events{consumer=\"order_mail\"} 0",
    "orders_consumer_lag_seconds{consumer=\"order_mail\"} 0",
    "orders_consumer_due_seconds{consumer=\"order_mail\"} 0",
    "orders_consumer_members{consumer=\"order_mail\"} 1",
];

#[tokio::test]
async fn consumers_are_behind_by_the_log_and_who_is_missing_is_told() {
    let (shop, mails) = (Shop::new().await, Scripted::start());
    let key = shop.key(&Scope::ALL).await;
    let prefix = format!("lag{:08x}.", rand::random::<u32>());
    let orders = |arguments: &[&str]| {
        Launch::orders()
            .args(arguments)
            .args(["--stall-after-s", "2"])
            .env("DATABASE_URL", shop.db.app_url())
            .env("KAFKA_BROKERS", KafkaBroker::shared().brokers())
            .env("ORDERS_KAFKA_PREFIX", &prefix)
            .env("SMTP_URL", mails.url())
            .env("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>")
    };
    let told = |arguments: &[&str]| {
        let address = format!("127.0.0.1:{}", free_port());
        Told { program: orders(&[arguments, &["--listen", &address]].concat()).spawn(), address }
    };
    let mut api = told(&["api"]);
    let client = Client::new(&served_address(&mut api.program).await, &key);
    let (relay, consumers) = (told(&["relay"]), told(&["consumers", "run"]));
    let product = |sku: &str| json!({ "sku": sku, "name": "Tea", "price": usd("12.50") });
    client.post("/v1/products", &[], &product("TEA")).await.is(201);
    client.post("/v1/orders", &[], &buys("ada@example.com", &[("TEA", 1)])).await.is(201);
    eventually("the mail is there", BOUND, async || mails.received().len() == 1).await;
    // The last event is none of the consumer's; and behind the last one that is, Kafka has a marker of its transaction.
    client.post("/v1/products", &[], &product("CUP")).await.is(201);
    consumers.shows("it is behind nothing", &UP_TO_DATE).await;
    api.shows("so says the API", &UP_TO_DATE).await;
    api.shows("somebody leads", &["orders_led{role=\"relay\"} 1"]).await;

    // The relay alone stands: what Kafka does not have keeps no consumer busy, whichever process says so.
    relay.stop().await;
    api.shows("nobody leads", &["orders_led{role=\"relay\"} 0"]).await;
    // A group takes its time to come together, so it may have stood at the beginning.
    let before = [api.stalls().len(), consumers.stalls().len()];
    client.post("/v1/orders", &[], &buys("grace@example.com", &[("TEA", 1)])).await.is(201);
    for (told, before) in [&api, &consumers].into_iter().zip(before) {
        // Three times its patience.
        told.waits_longer_than(6.0).await;
        let idle = [
            "orders_consumer_lag_events{consumer=\"order_mail\"} 2",
            "orders_stalled{reader=\"consumer order_mail\"} 0",
        ];
        told.shows("it waits for the relay", &idle).await;
        assert_eq!(told.stalls().len(), before, "{:?}", told.stalls());
    }

    // Kafka has it, and nobody is left to take it.
    consumers.stop().await;
    api.shows("nobody is there", &["orders_consumer_members{consumer=\"order_mail\"} 0"]).await;
    let relay = told(&["relay"]);
    eventually("that is no progress", BOUND, async || {
        let told = api.stalls();
        if told.iter().skip(before[0]).any(|line| line.contains("held by nobody")) {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await;
    api.shows("it is told", &["orders_stalled{reader=\"consumer order_mail\"} 1"]).await;
    let status: Status = serde_json::from_str(&client.get("/v1/ops/status", &[]).await.is(200).body).unwrap();
    let mail: &ReaderStatus = status.readers.iter().find(|reader| reader.name == "order_mail").unwrap();
    assert_eq!((mail.lag_events, mail.stalled), (Some(2), true), "{mail:?}");
    assert!(mail.lag_s > Some(0.0), "{mail:?}");

    let consumers = told(&["consumers", "run"]);
    api.shows("it has caught up", &UP_TO_DATE).await;
    eventually("so has the mail", BOUND, async || mails.received().len() == 2).await;
    for program in [api, consumers, relay] {
        program.stop().await;
    }
}
