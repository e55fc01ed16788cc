//! A shop: a database with our tables, its catalogue, a key, and the program's roles on it.

use crate::fill;
use crate::http::Connection;
use crate::roles::Served;
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::{Db, Launch, Program, free_port};

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
        fill::catalogue(&db).await;
        let orders = orders.to_owned();
        let mut shop = Self { db, key: String::new(), orders };
        let scopes = ["orders:write", "orders:read", "staff", "analyst"].map(|scope| ["--scope", scope]);
        let create = shop.launch(&["keys", "create", "--name", "bench"]).args(scopes.concat());
        shop.key = create.run().await.succeeded().trim().to_owned();
        shop
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
    pub async fn projections(&self) -> Program {
        self.launch(&["projections", "run"]).spawn()
    }

    /// `orders relay`, which shows its metrics.
    pub async fn relay(&self, kafka: &KafkaBroker, prefix: &str) -> Served {
        let address = ([127, 0, 0, 1], free_port()).into();
        let listen = std::net::SocketAddr::to_string(&address);
        let mut program = self.launch_with_kafka(&["relay", "--listen", &listen], kafka, prefix).spawn();
        program.wait_for_line("relaying the log to Kafka").await;
        Served { program, address }
    }

    /// A connection to one of its processes.
    pub async fn connect(&self, served: &Served) -> Connection {
        Connection::open(served.address, &self.key).await
    }

    /// The last position of the log.
    pub async fn head(&self, pool: &PgPool) -> i64 {
        let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events");
        head.fetch_one(pool).await.expect("the log can be read")
    }

    /// How far the view that is furthest behind has come; -1 before all of them serve.
    pub async fn viewed(&self, pool: &PgPool, views: i64) -> i64 {
        let slowest = sqlx::query_scalar(
            "SELECT CASE WHEN count(*) < $1 THEN -1 ELSE min(position) END
               FROM (SELECT max(c.position) AS position
                       FROM projections AS p JOIN projection_checkpoints AS c ON c.schema_name = p.active_schema
                      GROUP BY p.name) AS each",
        );
        slowest.bind(views).fetch_one(pool).await.expect("the checkpoints can be read")
    }
}

/// Reads one number of a process' metrics; `None` while it has none of that name.
pub async fn metric(connection: &mut Connection, name: &str) -> Option<f64> {
    let answer = connection.get("/metrics", &[]).await.ok()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().last()?.parse().ok()
}
