//! The program's API role.

use super::placed_id;
use crate::http::Connection;
use crate::load::{self, Outcome, Plan, Worker};
use crate::orders;
use crate::roles::Served;
use crate::shop::{self, Shop};
use crate::usage::CpuWatch;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use testkit::Db;
use uuid::Uuid;

/// Whether each request has an `Idempotency-Key` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Without,
    OnEach,
}

/// `orders api` on a database of its own; other roles may run on it too.
pub struct Ours {
    pub shop: Shop,
    pub api: Served,
    pub acknowledged: Vec<Uuid>,
    /// The log's last position before the load.
    pub(super) behind: i64,
    keys: Keys,
    name: &'static str,
    others: Vec<(&'static str, u32)>,
}

impl Ours {
    /// Starts it. What the log has by now is none of the load's.
    pub async fn start(shop: Shop, keys: Keys) -> Self {
        let pool = shop.db.pool().await;
        let behind = shop::head(&pool).await;
        pool.close().await;
        let api = shop.api().await;
        let name = if keys == Keys::OnEach { "ours, with Idempotency-Key" } else { "ours" };
        Self { shop, api, acknowledged: Vec::new(), behind, keys, name, others: Vec::new() }
    }

    /// The same under another name, with roles that run beside it.
    pub fn beside(mut self, name: &'static str, others: &[(&'static str, u32)]) -> Self {
        self.name = name;
        self.others = others.to_vec();
        self
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Acknowledged orders whose requests had an `Idempotency-Key`.
    pub(super) fn keys_sent(&self) -> usize {
        match self.keys {
            Keys::Without => 0,
            Keys::OnEach => self.acknowledged.len(),
        }
    }

    pub(super) fn watch(&self) -> CpuWatch {
        let watch = CpuWatch::begin().and("api", &[self.api.pid()]);
        let watch = self.others.iter().fold(watch, |watch, (name, pid)| watch.and(name, &[*pid]));
        watch.and_postgres(self.shop.db.server())
    }

    /// Places orders.
    pub async fn place(&self, plan: Plan) -> Outcome<Uuid> {
        let (address, key, keys) = (self.api.address, self.shop.key.clone(), self.keys);
        load::run(plan, move |_| {
            let key = key.clone();
            async move { Placing::new(Connection::open(address, &key).await, keys) }
        })
        .await
    }

    pub(super) async fn end(self) -> Db {
        self.api.stop().await;
        self.shop.db
    }
}

/// A customer who orders again and again.
pub struct Placing {
    connection: Connection,
    keys: Keys,
    random: SmallRng,
}

impl Placing {
    /// Over this connection.
    pub fn new(connection: Connection, keys: Keys) -> Self {
        Self { connection, keys, random: SmallRng::from_os_rng() }
    }
}

impl Worker for Placing {
    type Receipt = Uuid;

    async fn once(&mut self) -> Result<Uuid, String> {
        let email = orders::email(&mut self.random);
        let body = orders::body(&mut self.random, &email);
        let answer = match self.keys {
            Keys::Without => self.connection.post("/v1/orders", &[], body).await?,
            Keys::OnEach => {
                let key = format!("{:032x}", self.random.random::<u128>());
                self.connection.post("/v1/orders", &[("idempotency-key", &key)], body).await?
            }
        };
        placed_id(answer)
    }
}
