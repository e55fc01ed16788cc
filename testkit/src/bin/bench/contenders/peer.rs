//! The plain cqrs-es service of [`crate::plain_cqrs`], as a process of its own on a database of its own.

use super::placed_id;
use crate::http::Connection;
use crate::load::{self, Outcome, Plan, Worker};
use crate::orders;
use crate::plain_cqrs;
use crate::roles::Served;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use testkit::postgres::PostgresServer;
use testkit::{Db, Launch};
use uuid::Uuid;

/// See the module.
pub struct Peer {
    pub service: Served,
    pub acknowledged: Vec<Uuid>,
    db: Db,
}

impl Peer {
    /// Makes its tables and starts it.
    pub async fn start(server: &PostgresServer) -> Self {
        let db = server.empty_database().await;
        let pool = db.owner_pool().await;
        sqlx::raw_sql(plain_cqrs::TABLES).execute(&pool).await.expect("its tables can be made");
        pool.close().await;
        let itself = std::env::current_exe().expect("a process knows its executable");
        let launch = Launch::of(itself).args(["plain-cqrs", "127.0.0.1:0"]).env("DATABASE_URL", db.owner_url());
        let service = Served::start(&launch, plain_cqrs::SERVING).await;
        Self { service, acknowledged: Vec::new(), db }
    }

    pub(super) fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// Its database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Gives it views of so many orders that it never took, made of one that it took; gives the ids of some of them, at
    /// most so many.
    pub async fn fill_views(&self, count: u64, ids_at_most: usize) -> Vec<String> {
        let connection = Connection::open(self.service.address, "").await;
        placing(connection).once().await.expect("an order");
        let pool = self.db.owner_pool().await;
        let fill = "INSERT INTO order_view (view_id, version, payload)
                    SELECT gen_random_uuid()::text, 1, payload
                      FROM generate_series(1, $1), (SELECT payload FROM order_view LIMIT 1) AS one";
        sqlx::query(fill).bind(count.cast_signed()).execute(&pool).await.expect("views can be written");
        sqlx::query("VACUUM (ANALYZE) order_view").execute(&pool).await.expect("statistics");
        let ids = sqlx::query_scalar("SELECT view_id FROM order_view TABLESAMPLE SYSTEM (5) LIMIT $1");
        let ids = ids.bind(ids_at_most as i64).fetch_all(&pool).await.expect("the views can be read");
        pool.close().await;
        ids
    }

    pub(super) async fn place(&self, plan: Plan) -> Outcome<Uuid> {
        let address = self.service.address;
        load::run(plan, move |_| async move { placing(Connection::open(address, "").await) }).await
    }

    pub(super) async fn end(self) -> Db {
        drop(self.service);
        self.db
    }
}

fn placing(connection: Connection) -> Placing {
    Placing { connection, random: SmallRng::from_os_rng() }
}

struct Placing {
    connection: Connection,
    random: SmallRng,
}

impl Worker for Placing {
    type Receipt = Uuid;

    async fn once(&mut self) -> Result<Uuid, String> {
        let email = orders::email(&mut self.random);
        let body = orders::body(&mut self.random, &email);
        placed_id(self.connection.post("/orders", &[], body).await?)
    }
}
