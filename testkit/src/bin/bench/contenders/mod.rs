//! Who takes an order of three lines: the program, a plain cqrs-es service, raw PostgreSQL.

mod ours;
mod peer;
mod raw;

use crate::http::Answer;
use crate::load::Plan;
use crate::usage::CpuWatch;
use http::StatusCode;
use std::collections::HashSet;
use uuid::Uuid;

pub use ours::{Keys, Ours, Placing};
pub use peer::Peer;
pub use raw::Raw;

/// One of them, with its own database and, where it has one, its own process.
pub enum Contender {
    Ours(Ours),
    Peer(Peer),
    Raw(Raw),
}

impl Contender {
    /// What it is called in the figures.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ours(ours) => ours.name(),
            Self::Peer(_) => "plain cqrs-es",
            Self::Raw(_) => "raw PostgreSQL",
        }
    }

    /// Its turn: as many orders as it takes over that many connections.
    pub async fn turn(&mut self, plan: Plan) -> Turn {
        let watch = match self {
            Self::Ours(ours) => ours.watch(),
            Self::Peer(peer) => CpuWatch::begin().and("service", &[peer.pid()]).and_postgres(peer.db().server()),
            Self::Raw(raw) => CpuWatch::begin().and_postgres(raw.db().server()),
        };
        let outcome = match self {
            Self::Ours(ours) => ours.place(plan).await,
            Self::Peer(peer) => peer.place(plan).await,
            Self::Raw(raw) => raw.place(plan).await,
        };
        let cpu = watch.end();
        let outcome = outcome.clean();
        let turn =
            Turn { per_second: outcome.per_second(), p50: outcome.latencies.ms(0.5), p99: outcome.latencies.ms(0.99) };
        eprintln!(
            "    {:<28} {:>7.0} orders/s, p50 {:>6.2} ms, p99 {:>6.2} ms; cores: {cpu}",
            self.name(),
            turn.per_second,
            turn.p50,
            turn.p99
        );
        let acknowledged = match self {
            Self::Ours(ours) => &mut ours.acknowledged,
            Self::Peer(peer) => &mut peer.acknowledged,
            Self::Raw(raw) => &mut raw.acknowledged,
        };
        acknowledged.extend(outcome.receipts);
        turn
    }

    /// Looks for every order that was acknowledged, and for any that was not.
    ///
    /// # Panics
    /// When the two differ.
    pub async fn check(&self) {
        // The peer's log has no positions, and never anything from before.
        let (db, acknowledged, behind) = match self {
            Self::Ours(ours) => (&ours.shop.db, &ours.acknowledged, format!("position > {}", ours.behind)),
            Self::Peer(peer) => (peer.db(), &peer.acknowledged, "true".to_owned()),
            Self::Raw(raw) => (raw.db(), &raw.acknowledged, "true".to_owned()),
        };
        let pool = db.superuser_pool().await;
        let placed = format!("SELECT aggregate_id FROM events WHERE event_type = 'OrderPlaced' AND {behind}");
        let placed: Vec<String> = sqlx::query_scalar(&placed).fetch_all(&pool).await.expect("the events can be read");
        let counts = format!(
            "SELECT count(*), count(DISTINCT aggregate_id) FROM events WHERE aggregate_type = 'order' AND {behind}"
        );
        let (rows, orders): (i64, i64) =
            sqlx::query_as(&counts).fetch_one(&pool).await.expect("the events can be read");
        if let Self::Ours(ours) = self {
            let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
                .fetch_one(&pool)
                .await
                .expect("the keys can be read");
            assert_eq!(kept as usize, ours.keys_sent(), "{}: keys kept, and acknowledged orders with one", ours.name());
        }
        pool.close().await;
        let placed: HashSet<Uuid> = placed.iter().map(|id| id.parse().expect("an order's id")).collect();
        let lost = acknowledged.iter().filter(|id| !placed.contains(id)).count();
        let distinct: HashSet<&Uuid> = acknowledged.iter().collect();
        assert_eq!(lost, 0, "{}: {lost} acknowledged orders are not in the database", self.name());
        assert_eq!(distinct.len(), acknowledged.len(), "{}: an order was acknowledged twice", self.name());
        assert_eq!(placed.len(), acknowledged.len(), "{}: orders that nobody asked for", self.name());
        assert_eq!(orders as usize, placed.len(), "{}: events of orders that were not placed", self.name());
        assert_eq!(rows as usize, placed.len() * (crate::orders::LINES + 1), "{}: rows per order", self.name());
        eprintln!("    {}: all {} acknowledged orders are there, and no other", self.name(), placed.len());
    }

    /// Ends its process and drops its database.
    pub async fn end(self) {
        let db = match self {
            Self::Ours(ours) => ours.end().await,
            Self::Peer(peer) => peer.end().await,
            Self::Raw(raw) => raw.end(),
        };
        drop_database(&db).await;
    }
}

/// What a turn came to.
pub struct Turn {
    pub per_second: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
}

/// A database of this run is gone before the next one needs the disk.
pub async fn drop_database(db: &testkit::Db) {
    on_server(db.server(), &format!("DROP DATABASE {} WITH (FORCE)", db.name())).await;
}

/// What was written before is on disk, and costs the one who comes next nothing.
pub async fn checkpoint(server: &testkit::postgres::PostgresServer) {
    on_server(server, "CHECKPOINT").await;
}

async fn on_server(server: &testkit::postgres::PostgresServer, statement: &str) {
    use sqlx::{Connection, Executor, PgConnection};
    let mut session = PgConnection::connect(&server.superuser_url("postgres")).await.expect("the server answers");
    session.execute(statement).await.unwrap_or_else(|error| panic!("{error}, at: {statement}"));
}

/// The id in the answer to an order.
fn placed_id(answer: Answer) -> Result<Uuid, String> {
    let answer = answer.is(StatusCode::CREATED)?;
    answer.text_member("id")?.parse().map_err(|_| "the id is no UUID".to_owned())
}
