//! The plain cqrs-es service of [`crate::plain_cqrs`], as a process of its own on a database of its own.

use super::placed_id;
use crate::http::Connection;
use crate::load::{self, Outcome, Plan, Worker};
use crate::orders;
use crate::plain_cqrs;
use crate::roles::Served;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
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

    /// Gives it views of so many orders that it never took, made of one that it took; gives their ids.
    pub async fn fill_views(&self, count: usize) -> Vec<String> {
        let mut random = SmallRng::from_os_rng();
        let connection = Connection::open(self.service.address, "").await;
        placing(connection).once().await.expect("an order");
        let ids: Vec<String> = (0..count).map(|_| Uuid::from_u128(random.random()).to_string()).collect();
        let pool = self.db.owner_pool().await;
        let fill = "INSERT INTO order_view (view_id, version, payload)
                    SELECT id, 1, payload FROM unnest($1::text[]) AS id, (SELECT payload FROM order_view LIMIT 1) AS one";
        sqlx::query(fill).bind(&ids).execute(&pool).await.expect("views can be written");
        sqlx::query("ANALYZE order_view").execute(&pool).await.expect("statistics");
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
