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

    async fn stop(mut self) {
        self.program.sigterm();
        assert!(self.program.wait().await.success(), "{}", self.program.output());
    }
}

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

    // Nobody is left.
    consumers.stop().await;
    relay.stop().await;
    let missing = ["orders_consumer_members{consumer=\"order_mail\"} 0", "orders_led{role=\"relay\"} 0"];
    api.shows("nobody is there", &missing).await;
    client.post("/v1/orders", &[], &buys("grace@example.com", &[("TEA", 1)])).await.is(201);
    api.shows("it is behind", &["orders_consumer_lag_events{consumer=\"order_mail\"} 2"]).await;
    eventually("that is no progress", BOUND, async || {
        let output = api.program.output();
        let mut told = output.lines().filter(|line| line.contains("there is work, but no progress"));
        told.any(|line| line.contains("consumer order_mail") && line.contains("held by nobody"))
    })
    .await;
    api.shows("it is told", &["orders_stalled{reader=\"consumer order_mail\"} 1"]).await;
    let status: Status = serde_json::from_str(&client.get("/v1/ops/status", &[]).await.is(200).body).unwrap();
    let mail: &ReaderStatus = status.readers.iter().find(|reader| reader.name == "order_mail").unwrap();
    assert_eq!((mail.lag_events, mail.stalled), (Some(2), true), "{mail:?}");
    assert!(mail.lag_s > Some(0.0), "{mail:?}");

    let (relay, consumers) = (told(&["relay"]), told(&["consumers", "run"]));
    api.shows("it has caught up", &UP_TO_DATE).await;
    assert_eq!(mails.received().len(), 2);
    for program in [api, consumers, relay] {
        program.stop().await;
    }
}
