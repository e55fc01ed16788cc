//! Eight processes on one database, as behind a balancer, while server processes of PostgreSQL are killed at random:
//! what a client was told holds, no order is there twice or in part, and who tails the log never meets a gap.

use crate::http_support::{BOUND, Shop, buys, usd};
use crate::walk::client::Client;
use crate::walk::served_address;
use api::auth::Scope;
use commands::{Log, LogError, StoredEvent, db};
use domain::order::OrderEvent;
use domain::{Event, Position};
use futures::future::join_all;
use http::{Method, StatusCode};
use rand::Rng;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Db, Launch, Program, eventually};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PROCESSES: usize = 8;
const CLIENTS_PER_PROCESS: usize = 3;
const KILLS: usize = 60;
const SKUS: [&str; 3] = ["TEA", "CUP", "POT"];
/// Some clients hang up sooner than an order can be written.
const HANG_UP_WITHIN_MS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_keep_what_they_told_while_backends_are_killed() {
    let shop = Shop::new().await;
    let key = shop.key(&Scope::ALL).await;
    let (programs, clients) = start(&shop.db, &key).await;
    stock(&clients[0]).await;
    let admin = shop.db.superuser_pool().await;
    let mut snapshot = admin.begin().await.unwrap();
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *snapshot).await.unwrap();
    let count = "SELECT count(*) FROM events";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();

    let (enough, ended) = (CancellationToken::new(), CancellationToken::new());
    let tails = [(); 2].map(|()| tokio::spawn(tail(shop.db.app_url(), ended.clone())));
    let writing = join_all((0..PROCESSES * CLIENTS_PER_PROCESS).map(|client| order_on(&clients, client, &enough)));
    let killing = async {
        kill_backends(&admin).await;
        enough.cancel();
    };
    let (orders, ()) = tokio::join!(writing, killing);
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
    assert_eq!(before, after, "the snapshot was open all the while");
    assert!(replies_lost(&clients).await > 0, "some were killed while they committed");
    stop(programs).await;
    ended.cancel();

    let log = whole_log(&shop.db).await;
    check_order(&log);
    for tail in tails {
        assert_eq!(tail.await.unwrap(), positions(&log), "what was read at a position is what stands there");
    }
    check_told(&orders.concat(), &placed(&log));
}

/// What an order's client knows of it. Each order is told from the others by its e-mail address.
#[derive(Debug, Clone)]
struct Asked {
    email: String,
    /// How often it was sent.
    tries: u32,
    told: Told,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// 201: it is there, under this id.
    Placed(String),
    /// Nothing was changed.
    Refused,
    /// It may be there.
    Unknown,
}

async fn start(db: &Db, key: &str) -> (Vec<Program>, Vec<Client>) {
    let api = Launch::orders().args(["api", "--listen", "127.0.0.1:0", "--database-connections", "6"]);
    let api = api.env("DATABASE_URL", db.app_url());
    let mut programs: Vec<_> = (0..PROCESSES).map(|_| api.spawn()).collect();
    let mut clients = vec![];
    for program in &mut programs {
        clients.push(Client::new(&served_address(program).await, key));
    }
    (programs, clients)
}

/// Ends all in order, which each says by its exit code.
async fn stop(mut programs: Vec<Program>) {
    programs.iter().for_each(Program::sigterm);
    for program in &mut programs {
        let status = program.wait().await;
        assert!(status.success(), "{status}: {}", program.output());
    }
}

async fn stock(client: &Client) {
    for sku in SKUS {
        let product = json!({ "sku": sku, "name": format!("The {sku}"), "price": usd("12.50") });
        client.post("/v1/products", &[], &product).await.is(201);
    }
}

/// Places order after order, one on one connection: half of them once and for all, half of them again until they are
/// there.
async fn order_on(clients: &[Client], number: usize, enough: &CancellationToken) -> Vec<Asked> {
    let mut orders = vec![];
    while !enough.is_cancelled() {
        let email = format!("c{number}.o{}@example.com", orders.len());
        let items: Vec<_> = SKUS.iter().take(orders.len() % SKUS.len() + 1).map(|sku| (*sku, 1)).collect();
        let body = buys(&email, &items);
        let (tries, told) = if orders.len().is_multiple_of(2) {
            (1, place_once(&clients[number % PROCESSES], &body).await)
        } else {
            place_surely(clients, number, &email, &body).await
        };
        orders.push(Asked { email, tries, told });
    }
    orders
}

async fn place_once(client: &Client, body: &Value) -> Told {
    match client.try_send(Method::POST, "/v1/orders", &[], Some(body)).await {
        Ok(reply) if reply.status == StatusCode::CREATED => Told::Placed(id(&reply.json())),
        Ok(reply) => match reply.is(503).json()["code"].as_str() {
            Some("unavailable" | "contention") => Told::Refused,
            Some("outcome_unknown") => Told::Unknown,
            code => panic!("{code:?}"),
        },
        Err(error) => panic!("no process was killed: {error}"),
    }
}

/// Sends the order with a key, hanging up at first or not, and again through any process until it is placed.
async fn place_surely(clients: &[Client], number: usize, key: &str, body: &Value) -> (u32, Told) {
    let mut tries = 0;
    let placed = eventually("the order is placed", BOUND, async || {
        let nth = if tries == 0 { number } else { rand::rng().random_range(..PROCESSES) };
        let headers = [("idempotency-key", key)];
        let sent = clients[nth % PROCESSES].try_send(Method::POST, "/v1/orders", &headers, Some(body));
        let hangs_up = tries == 0 && rand::rng().random();
        tries += 1;
        let reply = if hangs_up {
            let patience = Duration::from_millis(rand::rng().random_range(..HANG_UP_WITHIN_MS));
            tokio::time::timeout(patience, sent).await.map_err(|_| "hung up".to_owned())?
        } else {
            sent.await
        };
        let reply = reply.unwrap_or_else(|error| panic!("no process was killed: {error}"));
        match reply.status.as_u16() {
            201 => Ok(id(&reply.json())),
            503 => Err(reply.body),
            409 if reply.json()["code"] == "request_in_flight" => Err(reply.body),
            status => panic!("{status}: {}", reply.body),
        }
    })
    .await;
    (tries, Told::Placed(placed))
}

fn id(order: &Value) -> String {
    order["id"].as_str().unwrap().to_owned()
}

/// Kills server processes of the program, each after the log has moved on since the one before: by turns one that
/// appends, and any (one that waits in a pool, one that listens).
async fn kill_backends(admin: &PgPool) {
    let mut head = 0;
    for kill in 0..KILLS {
        head = eventually("the log moves on", BOUND, async || {
            let now: i64 =
                sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events").fetch_one(admin).await.unwrap();
            (now > head).then_some(now)
        })
        .await;
        eventually("a backend is killed", BOUND, async || {
            let killed: Option<bool> = sqlx::query_scalar(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND usename = 'orders_login'
                    AND ($1 OR state = 'active' AND query LIKE '%log_lock%')
                  ORDER BY random() LIMIT 1",
            )
            .bind(kill % 2 == 1)
            .fetch_optional(admin)
            .await
            .unwrap();
            killed == Some(true)
        })
        .await;
    }
}

/// How often the processes looked up what became of a commit.
async fn replies_lost(clients: &[Client]) -> u64 {
    let counted = clients.iter().map(async |client| {
        let metrics = client.get("/metrics", &[]).await.is(200).body;
        let count = metrics.lines().find_map(|line| line.strip_prefix("orders_append_replies_lost_total "));
        count.map_or(0, |count| count.parse::<u64>().unwrap())
    });
    join_all(counted).await.into_iter().sum()
}

/// Follows the log until all is read after it `ended`.
async fn tail(url: String, ended: CancellationToken) -> Vec<(u64, String)> {
    let (log, _stop) = open(&url).await;
    let mut read: Vec<(u64, String)> = vec![];
    loop {
        let was_over = ended.is_cancelled();
        let after = Position(read.len() as u64);
        match log.read(after, 500).await {
            Ok(events) if events.is_empty() && was_over => return read,
            Ok(events) => {
                for (event, place) in positions(&events).into_iter().zip(after.0 + 1..) {
                    assert_eq!(event.0, place, "a reader never meets a gap");
                    read.push(event);
                }
            }
            // Its own connections are killed like all others.
            Err(error) => assert!(matches!(error, LogError::Db(_)), "{error}"),
        }
        log.wait_beyond(Position(read.len() as u64), Duration::from_millis(50)).await;
    }
}

async fn open(url: &str) -> (Log, tokio_util::sync::DropGuard) {
    let stop = CancellationToken::new();
    let pool = db::connect(url, 2).await.unwrap();
    let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
    (log, stop.drop_guard())
}

async fn whole_log(db: &Db) -> Vec<Arc<StoredEvent>> {
    let (log, _stop) = open(&db.app_url()).await;
    let mut whole: Vec<Arc<StoredEvent>> = vec![];
    loop {
        let after = whole.last().map_or(Position::ORIGIN, |last| last.position);
        let events = log.read(after, 1_000).await.unwrap();
        if events.is_empty() {
            return whole;
        }
        whole.extend(events);
    }
}

fn positions(events: &[Arc<StoredEvent>]) -> Vec<(u64, String)> {
    events.iter().map(|event| (event.position.0, event.event_id.0.to_string())).collect()
}

/// Positions are dense and time never runs backwards along them.
fn check_order(log: &[Arc<StoredEvent>]) {
    assert!(log.iter().map(|event| event.position.0).eq(1..=log.len() as u64), "positions are dense");
    assert!(log.is_sorted_by_key(|event| event.recorded_at), "time never runs backwards");
}

/// The ids of the orders in the log, by their customer's address. Each order is whole: its lines and what places it,
/// one behind the other.
fn placed(log: &[Arc<StoredEvent>]) -> HashMap<String, Vec<String>> {
    let mut orders: HashMap<String, Vec<String>> = HashMap::new();
    let mut rest = log;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|event| event.aggregate_id == first.aggregate_id).count();
        let (order, behind) = rest.split_at(same);
        rest = behind;
        assert!(order.iter().map(|event| event.sequence).eq(1..=same as u64), "one append: {order:?}");
        if let Event::Order(OrderEvent::OrderPlaced(placed)) = &order[same - 1].recorded().unwrap().event {
            assert_eq!(same, placed.lines.len() + 1, "{order:?}");
            let email = placed.customer.email.as_str().to_owned();
            orders.entry(email).or_default().push(first.aggregate_id.to_string());
        } else {
            assert_eq!((same, &*first.event_type), (1, "ProductAdded"), "an order in part: {order:?}");
        }
    }
    orders
}

/// What clients were told holds, and nothing is there that nobody asked for.
fn check_told(asked: &[Asked], placed: &HashMap<String, Vec<String>>) {
    for order in asked {
        let found = placed.get(&order.email).map_or(&[][..], Vec::as_slice);
        match (&order.told, found) {
            (Told::Placed(id), [found]) if found == id => {}
            (Told::Refused, []) | (Told::Unknown, [] | [_]) => {}
            _ => panic!("{order:?} is in the log as {found:?}"),
        }
    }
    let unasked = placed.keys().filter(|email| !asked.iter().any(|order| order.email == **email)).count();
    assert_eq!(unasked, 0);
    assert!(asked.iter().any(|order| order.tries > 1), "some were sent again");
}
