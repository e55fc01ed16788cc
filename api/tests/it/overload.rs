//! More than can be carried: 2,000 clients at a program that works on 1,024 requests at once. The surplus is told so,
//! memory stays bounded, what was acknowledged is in the log, and afterwards all is as before.

use crate::http_support::{BOUND, Shop, buys, usd};
use crate::walk::client::{Client, Reply};
use crate::walk::served_address;
use api::auth::Scope;
use commands::{Log, db};
use domain::order::OrderEvent;
use domain::{Event, Position};
use futures::future::join_all;
use http::{Method, StatusCode};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Launch, Program, eventually};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const CLIENTS: usize = 2_000;
/// So many are to be refused while nothing can be written: half of the surplus over what is worked on at once.
const REFUSED_BY_A_STALL: usize = 450;
/// The most memory that the program may ever take here. Each connection may hold a head and a body, each request its
/// command and answer: 2,000 of them took 125 MB in a build for tests.
const MOST_MEMORY_KB: u64 = 400 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_surplus_is_refused_and_what_was_acknowledged_is_kept() {
    allow_open_files(2 * CLIENTS as u64);
    let shop = Shop::new().await;
    let (mut program, client, _) = start(&shop).await;
    let admin = shop.db.superuser_pool().await;
    let refused = AtomicUsize::new(0);

    // Nothing can be written for a moment, so all come at once; then each comes again until it is served.
    let stalled = stall(&admin).await;
    let ordering = join_all((0..CLIENTS).map(|number| order(&client, number, &refused)));
    let ending_the_stall = async {
        eventually("the surplus is refused", BOUND, async || refused.load(Ordering::Relaxed) >= REFUSED_BY_A_STALL)
            .await;
        stalled.rollback().await.unwrap();
    };
    let (placed, ()) = tokio::join!(ordering, ending_the_stall);

    let acknowledged: BTreeMap<String, String> = placed.into_iter().collect();
    assert_eq!(acknowledged, orders_in_the_log(&shop).await, "each order acknowledged is there, and no other");
    let most_kb = most_memory_kb(program.pid());
    assert!(most_kb < MOST_MEMORY_KB, "{most_kb} KB");

    eventually("an order is taken as ever", BOUND, async || {
        let reply = client.post("/v1/orders", &[], &buys("after@example.com", &[("TEA", 1)])).await;
        if reply.status == StatusCode::CREATED { Ok(()) } else { Err(reply.body) }
    })
    .await;
    client.get("/readyz", &[]).await.is(200);
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    assert!(!program.output().contains("panicked"), "{}", program.output());
}

/// This process may open so many files, sockets included, and so may what it starts.
pub fn allow_open_files(count: u64) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(hard >= count, "this test opens {count} files: raise the hard limit (ulimit -Hn), which is {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(count), hard).unwrap();
}

/// The program as an API, with tea in its catalogue.
pub async fn start(shop: &Shop) -> (Program, Client, SocketAddr) {
    start_as(shop, Launch::orders()).await
}

/// The same, started in another way.
pub async fn start_as(shop: &Shop, launch: Launch) -> (Program, Client, SocketAddr) {
    let launch = launch.args(["api", "--listen", "127.0.0.1:0"]).env("DATABASE_URL", shop.db.app_url());
    let mut program = launch.spawn();
    let address = served_address(&mut program).await;
    let client = Client::new(&address, &shop.key(&Scope::ALL).await);
    let tea = json!({ "sku": "TEA", "name": "Tea", "price": usd("12.50") });
    client.post("/v1/products", &[], &tea).await.is(201);
    (program, client, address.parse().unwrap())
}

/// Holds up every append, until it is rolled back or the appends' own time is over.
async fn stall(admin: &PgPool) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = admin.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM log_head FOR UPDATE").execute(&mut *transaction).await.unwrap();
    transaction
}

/// Sends an order until it is placed; gives the client's address and the order's id.
async fn order(client: &Client, number: usize, refused: &AtomicUsize) -> (String, String) {
    let email = format!("c{number}@example.com");
    let body = buys(&email, &[("TEA", 1)]);
    let id = eventually("the order is placed", BOUND, async || {
        let reply = client.try_send(Method::POST, "/v1/orders", &[], Some(&body)).await.expect("an answer");
        if reply.status == StatusCode::CREATED {
            return Ok(reply.json()["id"].as_str().unwrap().to_owned());
        }
        check_refusal(&reply);
        refused.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err(reply.body)
    })
    .await;
    (email, id)
}

/// Nothing was changed, and when to come again.
fn check_refusal(reply: &Reply) {
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let answer = reply.json();
    // `unavailable`: the stall outlasted the patience of an append.
    let retry_after = match answer["code"].as_str() {
        Some("overloaded") => "1",
        Some("unavailable") => "2",
        _ => panic!("{}", reply.body),
    };
    assert_eq!(reply.header("retry-after"), retry_after);
}

/// The most memory that a process ever had.
fn most_memory_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// The ids of all orders that the log holds, by their customers' addresses.
async fn orders_in_the_log(shop: &Shop) -> BTreeMap<String, String> {
    let stop = CancellationToken::new();
    let pool = db::connect(&shop.db.app_url(), 2).await.unwrap();
    let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
    let (mut orders, mut after) = (BTreeMap::new(), Position::ORIGIN);
    loop {
        let events = log.read(after, 1_000).await.unwrap();
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in &events {
            if let Event::Order(OrderEvent::OrderPlaced(placed)) = &event.recorded().unwrap().event {
                let (email, id) = (placed.customer.email.as_str().to_owned(), event.aggregate_id.to_string());
                assert_eq!(orders.insert(email, id), None, "placed twice");
            }
        }
    }
    stop.cancel();
    orders
}
