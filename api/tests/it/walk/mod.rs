//! The walk of one order, from HTTP to the mailbox: what the README promises, as a program.

mod apart_kafka;
pub mod client;
mod embedded;
mod leads_kafka;
mod operated_kafka;
mod served_kafka;
mod verified_kafka;

use client::{Client, Reply};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use testkit::kafka::{KafkaBroker, Record, read_topic_with_kcat};
use testkit::smtp::Scripted;
use testkit::{Db, Launch, Program, eventually};

/// Longer than any step takes, also on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// What a placed order of two lines puts into the stream.
const PLACED: [&str; 3] = ["ItemAdded", "ItemAdded", "OrderPlaced"];

/// Ada's order of the README.
fn ada_buys(email: &str, items: &[(&str, u32)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    json!({
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": email },
        "shipping_address":
            { "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB" },
        "items": items,
    })
}

fn usd(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

/// Puts into the catalogue what [`ada_buys`] is asked for.
async fn stock(client: &Client) {
    for (sku, price) in [("TEA-GREEN", "7.50"), ("CUP", "9.00")] {
        let product = json!({ "sku": sku, "name": format!("The {sku}"), "price": usd(price) });
        client.post("/v1/products", &[], &product).await.is(201);
    }
}

/// A key that may do everything.
pub async fn make_key(database_url: &str) -> String {
    let scopes = ["orders:write", "orders:read", "staff", "analyst"].map(|scope| ["--scope", scope]).concat();
    let create = Launch::orders().args(["keys", "create", "--name", "test"]).args(scopes);
    create.env("DATABASE_URL", database_url).run().await.succeeded().trim().to_owned()
}

/// Makes the events of version 99 such that this program reads them: for them, that is what an upgrade does.
pub async fn upgrade(superuser: &PgPool) {
    let mut transaction = superuser.begin().await.unwrap();
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER events_are_never_changed",
        "UPDATE events SET event_version = '1' WHERE event_version = '99'",
        "ALTER TABLE events ENABLE TRIGGER events_are_never_changed",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// `orders serve` with real servers in place of all that it would bring along.
fn serving(db: &Db, prefix: &str, mail: &Scripted, settings: &[(&str, &str)]) -> Launch {
    let serve = Launch::orders()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("DATABASE_URL", db.app_url())
        .env("KAFKA_BROKERS", KafkaBroker::shared().brokers())
        .env("ORDERS_KAFKA_PREFIX", prefix)
        .env("SMTP_URL", mail.url());
    serve.envs(settings.iter().copied())
}

/// Starts that, and stocks its catalogue.
async fn serve(db: &Db, prefix: &str, mail: &Scripted, settings: &[(&str, &str)]) -> (Program, Client) {
    let mut program = serving(db, prefix, mail, settings).spawn();
    let address = address_printed(&mut program).await;
    let client = Client::new(&address, &make_key(&db.app_url()).await);
    stock(&client).await;
    (program, client)
}

/// Where the API of a whole system is, as its welcome says.
pub async fn address_printed(program: &mut Program) -> String {
    program.wait_for_line("orders is ready").await;
    let line = program.wait_for_line("  API ").await;
    line.trim().trim_start_matches("API").trim().trim_start_matches("http://").to_owned()
}

/// Where an API that is a process of its own listens.
pub async fn served_address(program: &mut Program) -> String {
    let line = program.wait_for_line("serving the API").await;
    line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// The newest of the list, once it holds all that an answer has seen. A list that is still built for the first time is
/// asked again, as its 503 says.
async fn newest_listed(client: &Client, seen: &Reply) -> Value {
    let position = seen.header("orders-position");
    let headers = [("orders-min-position", position), ("prefer", "wait=10")];
    eventually("the list holds what was seen", BOUND, async || {
        let reply = client.get("/v1/orders", &headers).await;
        if reply.status == 503 { Err(reply.body) } else { Ok(reply.is(200).json()["data"][0].clone()) }
    })
    .await
}

/// The records of one order, as a program that shares nothing with ours reads them, once the last ones are of
/// these types.
async fn streamed(brokers: &str, topic: &str, order: &str, types: &[&str]) -> Vec<Record> {
    eventually(&format!("{types:?} in {topic}"), BOUND, async || {
        let mut records = read_topic_with_kcat(brokers, topic).await?;
        records.retain(|record| record.key_text() == order);
        let found: Vec<_> = records.iter().filter_map(|record| record.header("ce_type")).collect();
        if found.ends_with(types) { Ok(records) } else { Err(format!("{found:?}")) }
    })
    .await
}
