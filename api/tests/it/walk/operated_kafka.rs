//! What whoever runs the system asks an API that is a process of its own: what is parked, as Kafka has it, and how far
//! the others are.

use super::client::Client;
use super::{BOUND, ada_buys, serve, served_address};
use serde_json::{Value, json};
use testkit::kafka::KafkaBroker;
use testkit::smtp::{Fault, Scripted, Step};
use testkit::{Db, Launch, Program, eventually};

const LETTERS: &str = "/v1/ops/dead-letters";
/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";

/// A key with these scopes.
async fn key_of(db: &Db, scopes: &[&str]) -> String {
    let create = Launch::orders().args(["keys", "create", "--name", "operator"]);
    let create = create.args(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    create.env("DATABASE_URL", db.app_url()).run().await.succeeded().trim().to_owned()
}

/// `orders api` beside the others, with these settings; says where it listens.
async fn api(db: &Db, settings: &[(&str, &str)]) -> (Program, String) {
    let launch = Launch::orders().args(["api", "--listen", "127.0.0.1:0"]).env("DATABASE_URL", db.app_url());
    let mut program = launch.envs(settings.iter().copied()).spawn();
    let address = served_address(&mut program).await;
    (program, address)
}

async fn letters(client: &Client, query: &str, count: usize) -> Value {
    eventually(&format!("there are {count} dead letters"), BOUND, async || {
        let page = client.get(&format!("{LETTERS}{query}"), &[]).await.is(200).json();
        if page["data"].as_array().is_some_and(|data| data.len() == count) { Ok(page) } else { Err(page.to_string()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_of_its_own_shows_dead_letters_and_how_far_the_others_are() {
    let (db, mail) = (Db::empty().await, Scripted::start());
    let prefix = format!("operated{:08x}.", rand::random::<u32>());
    let owner = db.owner_url();
    let (_all, shop) = serve(&db, &prefix, &mail, &[("MIGRATION_DATABASE_URL", &*owner)]).await;
    let (key, analyst) = (key_of(&db, &["operator"]).await, key_of(&db, &["operator", "analyst"]).await);
    let brokers = KafkaBroker::shared().brokers();
    let (_near, near) = api(&db, &[("KAFKA_BROKERS", &*brokers), ("ORDERS_KAFKA_PREFIX", &*prefix)]).await;
    let (_far, far) = api(&db, &[]).await;
    let (_lost, lost) = api(&db, &[("KAFKA_BROKERS", NOWHERE)]).await;
    let analyst = Client::new(&near, &analyst);
    let [near, far, lost] = [near, far, lost].map(|address| Client::new(&address, &key));
    assert_eq!(letters(&near, "", 0).await["next_cursor"], Value::Null);

    let refused = "mailbox unavailable";
    for name in ["ada", "grace"] {
        let email = format!("{name}@example.com");
        mail.script(Fault::reply(Step::Recipient, 550, refused).only_for(&email).times(1));
        shop.post("/v1/orders", &[], &ada_buys(&email, &[("TEA-GREEN", 1)])).await.is(201);
    }
    let page = letters(&near, "", 2).await;
    let newest = &page["data"][0];
    assert!(newest["offset"].as_i64() > page["data"][1]["offset"].as_i64(), "the newest first: {page}");
    assert_eq!((&newest["consumer"], &newest["type"]), (&json!("order_mail"), &json!("OrderPlaced")));
    assert_eq!(newest["reason"], json!(format!("RCPT TO: 550 {refused}")));
    assert_eq!(newest["came_from"]["topic"], json!(format!("{prefix}orders.events")));
    let values: Vec<_> = page["data"].as_array().into_iter().flatten().map(|letter| &letter["value"]).collect();
    assert_eq!(values, [&Value::Null; 2], "names and addresses are for who may read history: {page}");
    let whole = letters(&analyst, "", 2).await["data"][0].clone();
    assert!(whole["value"].as_str().is_some_and(|value| value.contains("OrderPlaced")), "{whole}");
    assert_eq!((&whole["offset"], &whole["item"]), (&newest["offset"], &newest["item"]));
    let first = letters(&near, "?limit=1", 1).await;
    let cursor = first["next_cursor"].as_str().expect("there is an earlier one");
    let second = letters(&near, &format!("?limit=1&cursor={cursor}"), 1).await;
    assert_eq!((&second["data"][0], &second["next_cursor"]), (&page["data"][1], &Value::Null));
    assert_eq!(near.get(&format!("{LETTERS}?cursor=x"), &[]).await.is(400).json()["code"], "invalid_cursor");

    // A letter is redriven by its item, by any process: that is a matter of the ledger.
    let item = newest["item"].as_i64().expect("its item");
    far.post(&format!("/v1/ops/parked/{item}/retry"), &[], &json!({})).await.is(200);
    eventually("the mail is sent", BOUND, async || {
        let found = far.get(&format!("/v1/ops/parked/{item}"), &[]).await.is(200).json();
        if found["item"]["state"] == "sent" { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    assert_eq!(far.get(LETTERS, &[]).await.is(503).json()["code"], "kafka_not_configured");
    let away = lost.get(LETTERS, &[]).await.is(503);
    assert_eq!((away.json()["code"].as_str(), away.header("retry-after")), (Some("kafka_unavailable"), "2"));
    assert!(!away.body.contains(NOWHERE), "{}", away.body);

    // None of what it shows runs in it.
    eventually("all have gone through everything", BOUND, async || {
        let status = far.get("/v1/ops/status", &[]).await.is(200).json();
        let head = &status["log"]["head"];
        let readers = status["readers"].as_array().unwrap();
        let behind = |reader: &&Value| {
            reader["state"] != "elsewhere"
                || reader["lag_events"] != 0
                || reader["lag_s"] != 0.0
                || !reader["position"].is_u64()
        };
        let relay = readers.iter().find(|reader| reader["kind"] == "relay").unwrap();
        let is_whole = readers.iter().filter(behind).count() == 0 && relay["position"] == *head;
        if is_whole { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    eventually("the last hour has them too", BOUND, async || {
        let history = far.get("/v1/ops/status/history", &[]).await.is(200).json();
        let newest = history["samples"].as_array().and_then(|samples| samples.last()).cloned().unwrap_or_default();
        let kinds: Vec<_> = newest["readers"].as_array().into_iter().flatten().map(|reader| &reader["kind"]).collect();
        if kinds.contains(&&json!("relay")) && kinds.contains(&&json!("consumer")) {
            Ok(())
        } else {
            Err(newest.to_string())
        }
    })
    .await;
}
