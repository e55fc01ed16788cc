//! `orders verify` beside a whole system on real servers that takes orders meanwhile.

use super::{BOUND, Client, ada_buys, serve};
use serde_json::Value;
use std::sync::Arc;
use testkit::kafka::KafkaBroker;
use testkit::smtp::Scripted;
use testkit::{Db, Finished, Launch, Program, eventually};
use tokio_util::sync::CancellationToken;

struct System {
    db: Db,
    prefix: String,
    _mail: Scripted,
    _program: Program,
    client: Arc<Client>,
}

impl System {
    async fn start() -> Self {
        let (db, mail) = (Db::new().await, Scripted::start());
        let prefix = format!("verify{:08x}.", rand::random::<u32>());
        let (program, client) = serve(&db, &prefix, &mail, &[]).await;
        Self { db, prefix, _mail: mail, _program: program, client: Arc::new(client) }
    }

    async fn verify(&self, arguments: &[&str]) -> (Finished, Value) {
        let found = Launch::orders()
            .args(["verify", "--json"])
            .args(arguments)
            .env("DATABASE_URL", self.db.app_url())
            .env("KAFKA_BROKERS", KafkaBroker::shared().brokers())
            .env("ORDERS_KAFKA_PREFIX", &self.prefix)
            .run()
            .await;
        let document = serde_json::from_str(&found.stdout).unwrap_or_else(|error| panic!("{error}: {found:?}"));
        (found, document)
    }

    /// Orders from several callers, until the token is cancelled; says how many.
    fn load(&self, stop: &CancellationToken) -> Vec<tokio::task::JoinHandle<u64>> {
        let caller = || {
            let (client, stop) = (Arc::clone(&self.client), stop.clone());
            tokio::spawn(async move {
                let mut placed = 0;
                while !stop.is_cancelled() {
                    let body = ada_buys("ada@example.com", &[("TEA-GREEN", 2), ("CUP", 1)]);
                    client.post("/v1/orders", &[], &body).await.is(201);
                    placed += 1;
                }
                placed
            })
        };
        vec![caller(), caller(), caller()]
    }
}

fn of_check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_finds_nothing_beside_a_system_that_takes_orders_and_names_what_is_damaged_then() {
    let system = System::start().await;
    let stop = CancellationToken::new();
    let load = system.load(&stop);
    let mut seen = 0;
    while seen < 3 {
        let (found, document) = system.verify(&[]).await;
        assert_eq!(found.status.code(), Some(0), "{found:?}");
        // Rounds before the first order say little.
        seen += u32::from(document["position"].as_u64().unwrap() > 20);
    }
    stop.cancel();
    for caller in load {
        assert!(caller.await.unwrap() > 0);
    }
    let topic = format!("{}orders.events", system.prefix);
    eventually("all is relayed, mailed, and committed", BOUND, async || {
        let (found, document) = system.verify(&[]).await;
        assert_eq!(found.status.code(), Some(0), "{found:?}");
        let facts = |name: &str| of_check(&document, name)["facts"].clone();
        let caught_up = facts("relay")["position"] == document["position"];
        let mails = facts("order_mail");
        if caught_up && mails["to_come"] == 0 && mails["states"]["sent"] == mails["calls"] {
            Ok(())
        } else {
            Err(found.stdout)
        }
    })
    .await;

    // A mail's entry is lost.
    let entry = "DELETE FROM consumer_ledger WHERE id = (SELECT min(id) FROM consumer_ledger)
                 RETURNING aggregate_id, position";
    let (order, position): (String, i64) =
        sqlx::query_as(entry).fetch_one(&system.db.superuser_pool().await).await.unwrap();
    let (found, document) = system.verify(&[]).await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let mails = of_check(&document, "order_mail");
    assert_eq!((&mails["differences"], &mails["listed"][0]["kind"]), (&1.into(), &"entry_missing".into()));
    assert_eq!(
        (&mails["listed"][0]["aggregate_id"], &mails["listed"][0]["position"]),
        (&order.into(), &position.into())
    );

    // A stranger writes to the topic.
    let stranger = format!("printf hello | kcat -P -b {} -t {topic} -p 0", KafkaBroker::shared().brokers());
    Launch::of("sh").args(["-c", &stranger]).run().await.succeeded();
    let (found, document) = system.verify(&["--only", "topics"]).await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let orders = of_check(&document, &topic);
    assert_eq!((&orders["differences"], &orders["listed"][0]["kind"]), (&1.into(), &"foreign".into()));
    assert_eq!(orders["listed"][0]["partition"], 0);
}
