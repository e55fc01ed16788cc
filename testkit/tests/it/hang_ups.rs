//! A client hangs up between the two transactions of a plain cqrs-es service, that of the events and that of the view;
//! and the service is killed under load. The same is done to ours. There, orders are missing in the view for good, and
//! nothing says so. Here the view follows the log, and none is missing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{PgPool, PgTransaction};
use testkit::{Db, Launch, Program, eventually, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Longer than anything here takes, also on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// How many clients hang up, and how many there are under load: fewer than the plain service has connections.
const CLIENTS: usize = 8;

/// After so many orders under load the service is killed.
const ORDERS_UNDER_LOAD: usize = 300;

const ORDER: &str = r#"{"customer":{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com"},"shipping_address":{"address":"12 St James's Square","postal_code":"SW1Y 4JH","city":"London","country":"GB"},"items":[{"sku":"CUP","quantity":2},{"sku":"POT","quantity":1}]}"#;

/// Where a service takes orders.
#[derive(Clone)]
struct Door {
    address: SocketAddr,
    path: &'static str,
    token: String,
}

impl Door {
    fn new(path: &'static str, token: String) -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())), path, token }
    }

    /// Sends a request, and leaves the answer to whoever wants it.
    async fn send(&self, path: &str, body: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }

    /// Whether a request was answered with 201.
    async fn created(&self, path: &str, body: &str) -> std::io::Result<bool> {
        let mut answer = String::new();
        self.send(path, body).await?.read_to_string(&mut answer).await?;
        Ok(answer.starts_with("HTTP/1.1 201 "))
    }
}

/// A service with a view of its orders, on a database of its own.
struct Service {
    door: Door,
    launches: Vec<Launch>,
    /// What the first process writes once it serves.
    serving: &'static str,
    running: Vec<Program>,
    view: String,
    view_id: &'static str,
    admin: PgPool,
    _db: Db,
}

impl Service {
    /// As the documentation of cqrs-es and postgres-es shows it: the peer of the benchmark.
    async fn plain() -> Self {
        let db = Db::empty().await;
        let tables = include_str!("../../src/bin/bench/plain_cqrs/tables.sql");
        sqlx::raw_sql(tables).execute(&db.owner_pool().await).await.unwrap();
        let door = Door::new("/orders", String::new());
        let launch = Launch::of(env!("CARGO_BIN_EXE_bench")).args(["plain-cqrs", &door.address.to_string()]);
        let mut service = Self {
            door,
            launches: vec![launch.env("DATABASE_URL", db.owner_url())],
            serving: "plain cqrs-es serves",
            running: Vec::new(),
            view: "order_view".to_owned(),
            view_id: "view_id",
            admin: db.superuser_pool().await,
            _db: db,
        };
        service.start().await;
        service
    }

    /// The API, and the views in a process of their own.
    async fn ours() -> Self {
        let db = Db::new().await;
        let orders = |arguments: &[&str]| Launch::orders().args(arguments).env("DATABASE_URL", db.app_url());
        let create = ["keys", "create", "--name", "test", "--scope", "orders:write", "--scope", "staff"];
        let door = Door::new("/v1/orders", orders(&create).run().await.succeeded().trim().to_owned());
        let api = orders(&["api", "--listen", &door.address.to_string()]);
        let mut service = Self {
            door,
            launches: vec![api, orders(&["projections", "run"])],
            serving: "serving the API",
            running: Vec::new(),
            view: String::new(),
            view_id: "id::text",
            admin: db.superuser_pool().await,
            _db: db,
        };
        service.start().await;
        for sku in ["CUP", "POT"] {
            let product = format!(r#"{{"sku":"{sku}","name":"{sku}","price":{{"amount":"8.00","currency":"USD"}}}}"#);
            assert!(service.door.created("/v1/products", &product).await.unwrap());
        }
        let active = "SELECT active_schema || '.orders' FROM projections WHERE name = 'order_list'";
        service.view = eventually("the list is built", BOUND, async || {
            sqlx::query_scalar(active).fetch_optional(&service.admin).await.unwrap()
        })
        .await;
        service
    }

    async fn start(&mut self) {
        self.running = self.launches.iter().map(Launch::spawn).collect();
        self.running[0].wait_for_line(self.serving).await;
    }

    /// How many orders are in the history.
    async fn placed(&self) -> usize {
        let count = "SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'";
        let placed: i64 = sqlx::query_scalar(count).fetch_one(&self.admin).await.unwrap();
        usize::try_from(placed).unwrap()
    }

    /// How many of these are not in the view.
    async fn missing(&self) -> usize {
        let count = format!(
            "SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'
                AND NOT EXISTS (SELECT FROM {} WHERE {} = aggregate_id)",
            self.view, self.view_id
        );
        let missing: i64 = sqlx::query_scalar(&count).fetch_one(&self.admin).await.unwrap();
        usize::try_from(missing).unwrap()
    }

    /// Waits until no session of the service has anything in hand.
    async fn at_rest(&self) {
        eventually("the database is at rest", BOUND, async || {
            let at_work = "SELECT count(*) = 0 FROM pg_stat_activity
                            WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle'
                              AND pid <> pg_backend_pid()";
            sqlx::query_scalar::<_, bool>(at_work).fetch_one(&self.admin).await.unwrap()
        })
        .await;
    }

    /// Whoever writes to the view waits until this ends; reading goes on.
    async fn lock_view(&self) -> PgTransaction<'static> {
        let mut lock = self.admin.begin().await.unwrap();
        let hold = format!("LOCK TABLE {} IN EXCLUSIVE MODE", self.view);
        sqlx::query(&hold).execute(&mut *lock).await.unwrap();
        lock
    }

    /// Clients hang up when the events of their orders are committed and the view can't be written yet.
    async fn hang_up_between(&self) {
        let lock = self.lock_view().await;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(self.door.send(self.door.path, ORDER).await.unwrap());
        }
        eventually("all events are committed", BOUND, async || self.placed().await == CLIENTS).await;
        for mut client in clients {
            client.shutdown().await.unwrap();
            // A server closes its side once it has noticed, and done with this client.
            client.read_to_end(&mut Vec::new()).await.unwrap();
        }
        lock.rollback().await.unwrap();
    }

    /// Clients order, one order after the other. The service is killed while each of them has an order that is
    /// committed and that the view has not, and can't be given; then it is started again. What the killed service had
    /// asked of the database goes with it, as when a machine dies. Says how many orders were acknowledged.
    async fn kill_under_load(&mut self) -> usize {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (door, acknowledged) = (self.door.clone(), Arc::clone(&acknowledged));
            clients.spawn(async move {
                // Until the kill, which cuts it off.
                while let Ok(created) = door.created(door.path, ORDER).await {
                    acknowledged.fetch_add(usize::from(created), Ordering::Relaxed);
                }
            });
        }
        let enough = async || acknowledged.load(Ordering::Relaxed) >= ORDERS_UNDER_LOAD;
        eventually("there is load", BOUND, enough).await;
        let lock = self.lock_view().await;
        eventually("orders are committed that the view has not", BOUND, async || self.missing().await >= CLIENTS).await;
        for program in &mut self.running {
            program.kill9();
        }
        let cut_off = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query(cut_off).execute(&self.admin).await.unwrap();
        lock.rollback().await.unwrap();
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        self.at_rest().await;
        self.start().await;
        acknowledged.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_between_two_transactions_takes_nothing_from_the_view() {
    let (plain, ours) = (Service::plain().await, Service::ours().await);
    for service in [&plain, &ours] {
        service.hang_up_between().await;
        service.at_rest().await;
    }
    assert_eq!(
        (plain.placed().await, plain.missing().await),
        (CLIENTS, CLIENTS),
        "the plain service loses all of them"
    );
    assert_eq!(ours.placed().await, CLIENTS);
    eventually("the view has every order", BOUND, async || ours.missing().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_load_takes_nothing_from_the_view() {
    let (mut plain, mut ours) = (Service::plain().await, Service::ours().await);
    for service in [&mut plain, &mut ours] {
        let acknowledged = service.kill_under_load().await;
        assert!(service.placed().await >= acknowledged, "what was acknowledged is in the history");
    }
    assert!(plain.missing().await >= CLIENTS, "the plain service loses what it had in hand");
    println!("the plain service: {} of {} orders are not in its view", plain.missing().await, plain.placed().await);
    eventually("the view has every order", BOUND, async || ours.missing().await == 0).await;
    println!("ours: 0 of {}", ours.placed().await);
}
