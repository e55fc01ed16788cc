//! Old and new processes side by side.

use super::shop::{Shop, address, stop};
use crate::http_support::{BOUND, buys};
use crate::walk::client::Client;
use crate::walk::upgrade;
use serde_json::{Value, json};
use testkit::kafka::Record;
use testkit::{Program, eventually, free_port};

/// What comes of `orders ROLE` with its health at an address of its own.
struct Role {
    program: Program,
    health: Client,
}

async fn start(shop: &Shop, role: &[&str]) -> Role {
    let address = format!("127.0.0.1:{}", free_port());
    let program = shop.orders(role).args(["--listen", &address]).spawn();
    let role = Role { program, health: Client::new(&address, &shop.token) };
    eventually("it answers", BOUND, async || role.ready().await.map(|_| ())).await;
    role
}

impl Role {
    async fn ready(&self) -> Result<(u16, String), String> {
        let reply = self.health.try_send(http::Method::GET, "/readyz", &[], None).await?;
        Ok((reply.status.as_u16(), reply.body))
    }

    async fn is_ready(&self) {
        eventually("it is ready", BOUND, async || match self.ready().await? {
            (200, _) => Ok(()),
            (_, reasons) => Err(reasons),
        })
        .await;
    }

    /// Why it is not ready, once that is not for its start any more.
    async fn reasons(&self, of: &str) -> String {
        eventually(&format!("it says of {of}"), BOUND, async || match self.ready().await? {
            (503, reasons) if reasons.contains(of) => Ok(reasons),
            (_, reasons) => Err(reasons),
        })
        .await
    }
}

const READERS: [&[&str]; 3] = [&["relay"], &["projections", "run"], &["consumers", "run"]];

/// Places an order by whichever API takes it. One that ends may cut nobody off, but takes no new connection.
async fn place(apis: &[&Client], email: &str) -> Value {
    let body = buys(email, &[("TEA", 1)]);
    for api in apis {
        if let Ok(reply) =
            api.try_send(http::Method::POST, "/v1/orders", &[("idempotency-key", email)], Some(&body)).await
        {
            return reply.is(201).json();
        }
    }
    panic!("no API takes orders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_then_writers_are_replaced_one_by_one_while_orders_come_in() {
    let shop = Shop::open().await;
    let mut old = vec![];
    for role in READERS {
        old.push(start(&shop, role).await);
    }
    let old_api = start(&shop, &["api"]).await;
    old_api.is_ready().await;
    let product = json!({ "sku": "TEA", "name": "Green tea", "price": crate::http_support::usd("7.50") });
    old_api.health.post("/v1/products", &[], &product).await.is(201);
    let mut placed = vec![];
    let mut order = async |apis: &[&Client]| {
        let email = address("customer");
        let order = place(apis, &email).await;
        placed.push((email, order));
    };

    shop.operate("orders migrate").await;
    order(&[&old_api.health]).await;
    let mut new = vec![];
    for (role, before) in READERS.iter().zip(old) {
        let now = start(&shop, role).await;
        now.is_ready().await;
        order(&[&old_api.health]).await;
        stop(before.program).await;
        order(&[&old_api.health]).await;
        new.push(now);
    }
    let new_api = start(&shop, &["api"]).await;
    new_api.is_ready().await;
    order(&[&new_api.health]).await;
    order(&[&old_api.health]).await;
    old_api.program.sigterm();
    order(&[&old_api.health, &new_api.health]).await;
    stop(old_api.program).await;
    order(&[&new_api.health]).await;

    for (email, order) in &placed {
        shop.mailed(email, 1).await;
        shop.published(order).await;
    }
    shop.verified().await;
    for role in new.into_iter().chain([new_api]) {
        role.is_ready().await;
        stop(role.program).await;
    }
    assert!(placed.iter().all(|(email, _)| shop.mails(email) == 1));
}

/// Writes an order as a newer program does, whose `OrderPlaced` this one can't read: the same as another order but for
/// that, its number, and whose it is. Gives where that event stands.
async fn write_as_a_newer_program(shop: &Shop, like: &Value, id: &str, like_email: &str, email: &str) -> i64 {
    let number = |number: u64| format!("\"number\":{number}");
    sqlx::query_scalar(
        "WITH place AS MATERIALIZED (SELECT * FROM log_lock()), written AS (
             INSERT INTO events
             SELECT 'order', $2, sequence, event_type, CASE event_type WHEN 'OrderPlaced' THEN '99' ELSE event_version END,
                    replace(replace(payload::text, $3, $4), $5, $6)::json, metadata, last_position + sequence,
                    gen_random_uuid(), at
               FROM place CROSS JOIN events WHERE aggregate_id = $1 ORDER BY sequence
             RETURNING position)
         SELECT max(position) FROM written",
    )
    .bind(like["id"].as_str().unwrap())
    .bind(id)
    .bind(like_email)
    .bind(email)
    .bind(number(like["number"].as_u64().unwrap()))
    .bind(number(9_000_001))
    .fetch_one(&shop.db.superuser_pool().await)
    .await
    .unwrap()
}

async fn newest_listed(api: &Client) -> (String, u64) {
    let reply = api.get("/v1/orders", &[]).await.is(200);
    let position = reply.header("orders-position").parse().unwrap();
    (reply.json()["data"][0]["id"].as_str().unwrap().to_owned(), position)
}

fn version(record: &Record) -> Option<&str> {
    record.header("ce_dataversion")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_readers_stop_before_what_a_newer_program_wrote_and_go_on_when_they_are_upgraded() {
    let shop = Shop::open().await;
    let (api, relay) = (start(&shop, &["api"]).await, start(&shop, &["relay"]).await);
    let (views, mails) = (start(&shop, READERS[1]).await, start(&shop, READERS[2]).await);
    let product = json!({ "sku": "TEA", "name": "Green tea", "price": crate::http_support::usd("7.50") });
    api.health.post("/v1/products", &[], &product).await.is(201);
    let (ada, newer, bob) = (address("ada"), address("newer"), address("bob"));
    let first = place(&[&api.health], &ada).await;
    shop.mailed(&ada, 1).await;
    let id = "0198a000-0000-7000-8000-000000000001";
    let unreadable = write_as_a_newer_program(&shop, &first, id, &ada, &newer).await;
    let later = place(&[&api.health], &bob).await;

    // The view stops right before it, and what it has is served.
    let reasons = views.reasons("order_list stops before an event").await;
    let which = format!(
        "the event at position {unreadable} can't be read: unknown version `99` of the event type `OrderPlaced`"
    );
    assert!(reasons.contains(&which) && reasons.contains("upgrade this one"), "{reasons}");
    eventually("all before it is listed", BOUND, async || {
        newest_listed(&api.health).await == (first["id"].as_str().unwrap().to_owned(), unreadable.unsigned_abs() - 1)
    })
    .await;
    // The relay passes it on as it stands.
    let written = json!({ "id": id });
    let records = eventually("all of it is in Kafka", BOUND, async || {
        let records = shop.published(&written).await;
        (records.len() == 2).then_some(records)
    })
    .await;
    assert_eq!(
        (version(&records[1]), records[1].json()["OrderPlaced"]["customer"]["email"].as_str()),
        (Some("99"), Some(&*newer))
    );
    shop.published(&later).await;
    relay.is_ready().await;
    // The consumer holds it for a person, and lets the others pass.
    shop.mailed(&bob, 1).await;
    let parked = shop.operate("orders parked list").await;
    assert!(parked.contains("unknown version `99`") && parked.contains(id), "{parked}");
    mails.is_ready().await;
    // The API answers for all others, and changes nothing of it.
    api.is_ready().await;
    api.health.get(&format!("/v1/orders/{}", later["id"].as_str().unwrap()), &[]).await.is(200);
    let path = format!("/v1/orders/{id}");
    api.health.get(&path, &[]).await.is(503);
    let item = json!({ "sku": "TEA", "quantity": 1 });
    api.health.post(&format!("{path}/items"), &[], &item).await.is(503);
    assert_eq!((shop.mails(&newer), shop.published(&written).await.len()), (0, 2));

    upgrade(&shop.db.superuser_pool().await).await;
    for old in [api, views, mails] {
        stop(old.program).await;
    }
    let (api, views) = (start(&shop, &["api"]).await, start(&shop, READERS[1]).await);
    let mails = start(&shop, READERS[2]).await;
    eventually("the view goes on", BOUND, async || newest_listed(&api.health).await.0 == later["id"]).await;
    views.is_ready().await;
    api.health.get(&path, &[]).await.is(200);
    let entry = parked.lines().find(|line| line.contains(id)).unwrap().split_whitespace().next().unwrap();
    shop.operate(&format!("orders parked retry {entry}")).await;
    shop.mailed(&newer, 1).await;
    shop.operate("orders verify --only log,views,mails").await;
    for role in [api, relay, views, mails] {
        role.is_ready().await;
        stop(role.program).await;
    }
    assert_eq!([&ada, &newer, &bob].map(|email| shop.mails(email)), [1; 3]);
}
