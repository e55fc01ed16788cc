//! Payments with references of their own, all on one order: each meets the state that the one before left.

use crate::bench::Bench;
use crate::contenders::drop_database;
use crate::http::Connection;
use crate::load::{self, Plan, Worker};
use crate::report::Figure;
use crate::shop::Shop;
use crate::usage::CpuWatch;
use http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CONNECTIONS: usize = 64;
/// An order that no load of cents covers.
const LARGE_ORDER: &str = r#"{"customer":{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com"},"shipping_address":{"address":"12 St James's Square","postal_code":"SW1Y 4JH","city":"London","country":"GB"},"items":[{"sku":"KETTLE","quantity":9999}]}"#;

pub async fn measure(bench: &mut Bench) {
    let (server, orders) = (bench.postgres(), bench.orders.clone());
    let shop = Shop::open(&server, &orders).await;
    let api = shop.api().await;
    let plan = Plan::new(CONNECTIONS, bench.options.turn());
    let (mut per_second, mut p99, mut turned_away) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds() {
        let mut connection = shop.connect(&api).await;
        let placed = connection
            .post("/v1/orders", &[], LARGE_ORDER.into())
            .await
            .and_then(|answer| answer.is(StatusCode::CREATED));
        let order = placed.and_then(|answer| answer.text_member("id").map(str::to_owned)).expect("an order");
        let (address, key) = (api.address, shop.key.clone());
        let (path, next) = (format!("/v1/orders/{order}/payments"), Arc::new(AtomicU64::new(1)));
        let watch = CpuWatch::begin().and("api", &[api.pid()]).and_postgres(&server);
        let outcome = load::run(plan, move |_| {
            let (key, path, next) = (key.clone(), path.clone(), Arc::clone(&next));
            async move { Paying { connection: Connection::open(address, &key).await, path, next } }
        })
        .await
        .clean();
        let cpu = watch.end();
        eprintln!("  round {round}: {:.0} applied/s, cores: {cpu}", outcome.per_second());
        let count = |wanted: Fate| outcome.receipts.iter().filter(|fate| **fate == wanted).count();
        let [applied, rejected, away] = [Fate::Applied, Fate::Rejected, Fate::TurnedAway].map(count);
        eprintln!("    {applied} applied, {rejected} rejected, {away} turned away");
        check(&shop, &order, applied).await;
        assert!(applied > 0, "no payment was applied");
        assert_eq!(rejected, 0, "the order is large enough for all payments, and each has a reference of its own");
        per_second.push(outcome.per_second());
        turned_away.push(away as f64 / outcome.receipts.len() as f64 * 100.0);
        p99.push(outcome.latencies.ms(0.99));
    }
    let named = |what: &str| format!("payments on one order, {CONNECTIONS} connections{what}");
    bench.found(Figure::new("payments", named(""), "payments/s", per_second).at_least(2_000.0));
    bench.found(Figure::new("payments", named(", p99"), "ms", p99));
    bench.found(Figure::new("payments", named(", neither applied nor rejected"), "%", turned_away).at_most(0.0));
    api.stop().await;
    drop_database(&shop.db).await;
}

/// What was acknowledged as applied is recorded, and nothing else.
async fn check(shop: &Shop, order: &str, applied: usize) {
    let pool = shop.db.pool().await;
    let recorded = sqlx::query_scalar(
        "SELECT count(*) FROM events WHERE aggregate_type = 'order' AND aggregate_id = $1 AND event_type = 'PaymentRecorded'",
    );
    let recorded: i64 = recorded.bind(order).fetch_one(&pool).await.expect("the events can be read");
    pool.close().await;
    assert_eq!(recorded.unsigned_abs(), applied as u64, "payments that are recorded, and that were acknowledged");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Applied,
    Rejected,
    /// Others were first, time and again.
    TurnedAway,
}

struct Paying {
    connection: Connection,
    path: String,
    next: Arc<AtomicU64>,
}

impl Worker for Paying {
    type Receipt = Fate;

    async fn once(&mut self) -> Result<Fate, String> {
        let nth = self.next.fetch_add(1, Ordering::Relaxed);
        let body = format!(r#"{{"amount":{{"amount":"0.01","currency":"USD"}},"reference":"till-{nth}"}}"#);
        let key = format!("{}-{nth}", self.path);
        let answer = self.connection.post(&self.path, &[("idempotency-key", &key)], body.into()).await?;
        match answer.status {
            StatusCode::OK => Ok(Fate::Applied),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Ok(Fate::Rejected),
            StatusCode::SERVICE_UNAVAILABLE => Ok(Fate::TurnedAway),
            _ => answer.is(StatusCode::OK).map(|_| Fate::Applied),
        }
    }

    fn counts(fate: &Fate) -> bool {
        *fate == Fate::Applied
    }
}
