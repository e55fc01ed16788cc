//! What the program has in memory after a million orders, everything in one process, on a real PostgreSQL and a real
//! Kafka.

use crate::bench::Bench;
use crate::contenders::{Keys, Placing, drop_database};
use crate::http::Connection;
use crate::kafka;
use crate::load::{self, Plan};
use crate::report::Figure;
use crate::roles::Served;
use crate::shop::Shop;
use crate::smtp::Sink;
use crate::usage::memory_mb;
use std::time::Duration;
use testkit::free_port;

const CONNECTIONS: usize = 64;
const ORDERS: u64 = 1_000_000;
const TURN: Duration = Duration::from_secs(20);
/// However slow it is, it ends.
const TURNS_AT_MOST: u32 = 40;

pub async fn measure(bench: &mut Bench) {
    let (server, broker, orders) = (bench.postgres(), bench.kafka(), bench.orders.clone());
    let wanted = bench.options.scaled(ORDERS);
    let shop = Shop::open(&server, &orders).await;
    let sink = Sink::start();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let data = tempfile::tempdir().expect("a directory");
    let listen = address.to_string();
    let launch = shop.launch_with_kafka(&["serve", "--listen", &listen], &broker, &kafka::fresh_prefix());
    let mut program = launch.env("SMTP_URL", sink.url()).env("ORDERS_DATA_DIR", data.path()).spawn();
    program.wait_for_line("orders is ready").await;
    let serve = Served { program, address };
    let (at_first, _) = memory_mb(serve.pid());
    let mut placed = 0;
    for _ in 0..TURNS_AT_MOST {
        placed += turn(&shop, &serve).await;
        eprintln!("  {placed} orders: {:.0} MB, {} mails sent", memory_mb(serve.pid()).0, sink.count().0);
        if placed >= wanted {
            break;
        }
    }
    let (after, peak) = memory_mb(serve.pid());
    serve.stop().await;
    check(&shop, placed, &sink).await;
    let named = |what: &str| format!("memory of orders serve {what}");
    bench.found(Figure::new("memory", "orders that it took", "orders", vec![placed as f64]).at_least(wanted as f64));
    bench.found(Figure::new("memory", named("at its start"), "MB", vec![at_first]));
    bench.found(Figure::new("memory", named("after 1,000,000 orders"), "MB", vec![after]).at_most(80.0));
    bench.found(Figure::new("memory", named("at most"), "MB", vec![peak]));
    drop_database(&shop.db).await;
}

/// What was acknowledged is in the log, and nothing else. Mails may still wait when the program ends, but none went
/// twice.
async fn check(shop: &Shop, placed: u64, sink: &Sink) {
    let pool = shop.db.superuser_pool().await;
    let stored = sqlx::query_scalar("SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'");
    let stored: i64 = stored.fetch_one(&pool).await.expect("the events can be read");
    pool.close().await;
    assert_eq!(stored.unsigned_abs(), placed, "orders in the log, and acknowledged ones");
    assert_eq!(sink.repeated(), Vec::<String>::new(), "addresses that got a mail more than once");
    eprintln!("    all {placed} acknowledged orders are there, and no other; no mail went twice");
}

async fn turn(shop: &Shop, serve: &Served) -> u64 {
    let (address, key) = (serve.address, shop.key.clone());
    let plan = Plan { connections: CONNECTIONS, warm_up: Duration::ZERO, measured: TURN };
    let outcome = load::run(plan, move |_| {
        let key = key.clone();
        async move { Placing::new(Connection::open(address, &key).await, Keys::Without) }
    });
    outcome.await.clean().receipts.len() as u64
}
