//! With real servers, and each role a process of its own.

use super::client::{Client, Reply};
use super::{BOUND, PLACED, ada_buys, make_key, newest_listed, served_address, stock, usd};
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::kafka::{KafkaBroker, Record, read_topic, read_topic_with_kcat};
use testkit::smtp::MailServer;
use testkit::{Db, Launch, Program, eventually};

/// The servers, and how our processes are told of them.
struct Servers {
    db: Db,
    kafka: &'static KafkaBroker,
    prefix: String,
    mail: &'static MailServer,
}

/// The roles of one shop.
struct Roles {
    apis: Vec<Program>,
    others: Vec<Program>,
    clients: Vec<Client>,
}

impl Servers {
    async fn start() -> Self {
        let prefix = format!("walk{:08x}.", rand::random::<u32>());
        Self { db: Db::empty().await, kafka: KafkaBroker::shared(), prefix, mail: MailServer::shared() }
    }

    fn orders(&self, arguments: &[&str]) -> Launch {
        Launch::orders().args(arguments).env("DATABASE_URL", self.db.app_url())
    }

    fn with_kafka(&self, arguments: &[&str]) -> Launch {
        self.orders(arguments).env("KAFKA_BROKERS", self.kafka.brokers()).env("ORDERS_KAFKA_PREFIX", &self.prefix)
    }

    async fn migrate_and_make_a_key(&self) -> String {
        let migrate = Launch::orders().arg("migrate").env("MIGRATION_DATABASE_URL", self.db.owner_url());
        migrate.run().await.succeeded();
        make_key(&self.db.app_url()).await
    }

    async fn start_roles(&self) -> Roles {
        let key = self.migrate_and_make_a_key().await;
        let api = || self.orders(&["api", "--listen", "127.0.0.1:0"]).spawn();
        let mails = self
            .with_kafka(&["consumers", "run"])
            .env("SMTP_URL", self.mail.starttls_url())
            .env("SSL_CERT_FILE", self.mail.certificates().authority())
            .env("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>");
        let others =
            vec![self.with_kafka(&["relay"]).spawn(), self.orders(&["projections", "run"]).spawn(), mails.spawn()];
        let (mut apis, mut clients) = (vec![api(), api()], vec![]);
        for api in &mut apis {
            clients.push(Client::new(&served_address(api).await, &key));
        }
        Roles { apis, others, clients }
    }

    async fn records(&self, topic: &str) -> Vec<Record> {
        read_topic(&self.kafka.brokers(), &format!("{}{topic}", self.prefix)).await.unwrap_or_default()
    }
}

impl Roles {
    /// Ends all in order; each says so with exit code 0.
    async fn stop(mut self) {
        for program in self.apis.iter_mut().chain(&mut self.others) {
            program.sigterm();
        }
        for program in self.apis.iter_mut().chain(&mut self.others) {
            let status = program.wait().await;
            assert!(status.success(), "{status}: {}", program.output());
        }
    }
}

/// The records of one order, once `types` are there.
async fn streamed(servers: &Servers, order: &str, types: &[&str]) -> Vec<Record> {
    eventually(&format!("{types:?} in Kafka"), BOUND, async || {
        let mut records = servers.records("orders.events").await;
        records.retain(|record| record.key_text() == order);
        if records.iter().filter_map(|record| record.header("ce_type")).eq(types.iter().copied()) {
            Ok(records)
        } else {
            Err(format!("{:?}", records.iter().map(|record| record.header("ce_type")).collect::<Vec<_>>()))
        }
    })
    .await
}

fn position(reply: &Reply) -> String {
    reply.header("orders-position").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_reaches_the_mailbox() {
    let servers = Servers::start().await;
    let roles = servers.start_roles().await;
    let (here, there) = (&roles.clients[0], &roles.clients[1]);
    stock(here).await;
    let email = format!("ada.{:08x}@example.com", rand::random::<u32>());

    // Placed at one process, a moment after its products; the other one lists it.
    let body = ada_buys(&email, &[("TEA-GREEN", 2), ("CUP", 1)]);
    let placed = there.post("/v1/orders", &[("idempotency-key", "one")], &body).await.is(201);
    let order = placed.json();
    let id = order["id"].as_str().unwrap().to_owned();
    assert_eq!((&order["total"], &order["paid"]), (&usd("24.00"), &Value::Bool(false)));
    let again = here.post("/v1/orders", &[("idempotency-key", "one")], &body).await.is(201);
    assert_eq!((again.header("idempotent-replayed"), again.json()), ("true", order.clone()));

    assert_eq!(newest_listed(here, &placed).await, order);

    // Streamed once, in order, keyed by the order; both independent clients see the same.
    let records = streamed(&servers, &id, &PLACED).await;
    assert_eq!(records.iter().map(|record| record.partition).collect::<HashSet<_>>().len(), 1);
    assert_eq!(records[2].json()["OrderPlaced"]["total"], usd("24.00"));
    let topic = format!("{}orders.events", servers.prefix);
    let by_kcat = read_topic_with_kcat(&servers.kafka.brokers(), &topic).await.unwrap();
    assert_eq!(by_kcat.iter().filter(|record| record.key_text() == id).count(), 3);

    // Confirmed by mail; the receipt follows the payment.
    let mails = servers.mail.wait_for(&email, 1, BOUND).await;
    assert!(mails[0].subject().contains(&order["number"].to_string()), "{}", mails[0].subject());
    assert!(mails[0].text().unwrap().contains("Dear Ada"));
    let payment = json!({ "amount": usd("24.00"), "reference": "till-1" });
    let payments = format!("/v1/orders/{id}/payments");
    let paid = here.post(&payments, &[("idempotency-key", "two")], &payment).await.is(200);
    assert_eq!(paid.json()["paid"], true);
    let types = [&PLACED[..], &["PaymentRecorded", "OrderPaid"]].concat();
    streamed(&servers, &id, &types).await;
    let mails = servers.mail.wait_for(&email, 2, BOUND).await;
    assert_ne!(mails[0].message_id(), mails[1].message_id());

    let today =
        there.get("/v1/totals?by=day", &[("orders-min-position", &position(&paid)), ("prefer", "wait=10")]).await;
    assert!(today.is(200).body.contains("24.00"));
    roles.stop().await;
    assert_eq!(servers.mail.mailbox(&email).len(), 2, "each mail was sent once");
}
