//! A shop: a database with our tables, its catalogue, a key, and the program's roles on it.

use crate::fill;
use crate::http::Connection;
use crate::roles::Served;
use crate::usage::until;
use sqlx::PgPool;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::{Db, Launch, Program, free_port};
use uuid::Uuid;

/// How many views there are.
const VIEWS: i64 = 6;

/// See the module.
pub struct Shop {
    pub db: Db,
    /// An API key that may do everything.
    pub key: String,
    orders: PathBuf,
}

impl Shop {
    /// A new one, with the catalogue and no order.
    pub async fn open(server: &PostgresServer, orders: &Path) -> Self {
        let db = server.database().await;
        let pool = db.superuser_pool().await;
        fill::catalogue(&pool).await;
        pool.close().await;
        let orders = orders.to_owned();
        let mut shop = Self { db, key: String::new(), orders };
        let scopes = ["orders:write", "orders:read", "staff", "analyst"].map(|scope| ["--scope", scope]);
        let create = shop.launch(&["keys", "create", "--name", "bench"]).args(scopes.concat());
        shop.key = create.run().await.succeeded().trim().to_owned();
        shop
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.orders
    }

    /// The program with this shop's database.
    pub fn launch(&self, arguments: &[&str]) -> Launch {
        Launch::of(&self.orders).args(arguments).env("DATABASE_URL", self.db.app_url())
    }

    /// The program with this shop's database, and Kafka below a prefix.
    pub fn launch_with_kafka(&self, arguments: &[&str], kafka: &KafkaBroker, prefix: &str) -> Launch {
        self.launch(arguments).env("KAFKA_BROKERS", kafka.brokers()).env("ORDERS_KAFKA_PREFIX", prefix)
    }

    /// `orders api`.
    pub async fn api(&self) -> Served {
        Served::start(&self.launch(&["api", "--listen", "127.0.0.1:0"]), "serving the API").await
    }

    /// `orders projections run`.
    pub fn projections(&self) -> Program {
        self.launch(&["projections", "run"]).spawn()
    }

    /// `orders relay`, which shows its metrics.
    pub async fn relay(&self, kafka: &KafkaBroker, prefix: &str) -> Served {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listen = address.to_string();
        let mut program = self.launch_with_kafka(&["relay", "--listen", &listen], kafka, prefix).spawn();
        program.wait_for_line("relaying the log to Kafka").await;
        Served { program, address }
    }

    /// A connection to one of its processes.
    pub async fn connect(&self, served: &Served) -> Connection {
        Connection::open(served.address, &self.key).await
    }

    /// Adds to its history, which nobody else may write to meanwhile.
    pub async fn fill(&self, until: fill::Until, mix: fill::Mix) -> Vec<Uuid> {
        let pool = self.db.superuser_pool().await;
        let ids = fill::orders(&pool, until, mix).await;
        pool.close().await;
        ids
    }

    /// Waits until the views that are asked about have everything that the log has now; they must be running.
    pub async fn views_caught_up(&self, since: Instant, at_most: Duration) -> Duration {
        let pool = self.db.pool().await;
        let head = head(&pool).await;
        let took = until("the views have caught up", since, at_most, async || viewed(&pool).await >= head).await;
        pool.close().await;
        took
    }
}

/// The last position of the log.
pub async fn head(pool: &PgPool) -> i64 {
    let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events");
    head.fetch_one(pool).await.expect("the log can be read")
}

/// How far the view that is furthest behind has come; -1 before all of them serve.
pub async fn viewed(pool: &PgPool) -> i64 {
    let slowest = sqlx::query_scalar(
        "SELECT CASE WHEN count(*) < $1 THEN -1 ELSE min(position) END
           FROM (SELECT max(c.position) AS position
                   FROM projections AS p JOIN projection_checkpoints AS c ON c.schema_name = p.active_schema
                  GROUP BY p.name) AS each",
    );
    slowest.bind(VIEWS).fetch_one(pool).await.expect("the checkpoints can be read")
}

/// Waits until a relay has passed on everything up to `head`.
pub async fn relayed(relay: &Served, head: i64, since: Instant, at_most: Duration) -> Duration {
    let mut connection = Connection::open(relay.address, "").await;
    until("the relay has caught up", since, at_most, async || {
        metric(&mut connection, "orders_relay_position").await.is_some_and(|position| position >= head as f64)
    })
    .await
}

/// Reads one number of a process' metrics; `None` while it has none of that name.
async fn metric(connection: &mut Connection, name: &str) -> Option<f64> {
    let answer = connection.get("/metrics", &[]).await.ok()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().last()?.parse().ok()
}
