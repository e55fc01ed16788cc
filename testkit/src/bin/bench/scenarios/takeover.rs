//! From the kill of the process that leads to the first event that the one which stood by has handled: the relay, and a
//! view.

use crate::bench::Bench;
use crate::contenders::drop_database;
use crate::http::Connection;
use crate::kafka;
use crate::orders;
use crate::report::Figure;
use crate::roles::Served;
use crate::shop::{self, Shop};
use crate::usage::until;
use http::StatusCode;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::Program;
use testkit::kafka::KafkaBroker;

const KILLS: u64 = 20;
const EVERY: Duration = Duration::from_millis(10);
const AT_MOST: Duration = Duration::from_secs(60);
const VIEW: &str = "projection order_list v%";

pub async fn measure(bench: &mut Bench) {
    let (server, broker, program) = (bench.postgres(), bench.kafka(), bench.orders.clone());
    let kills = bench.options.scaled(KILLS).max(2);
    let shop = Shop::open(&server, &program).await;
    let (api, pool) = (shop.api().await, shop.db.pool().await);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(place(shop.connect(&api).await, Arc::clone(&stop)));
    let relays = of_relays(&shop, &pool, &broker, kills).await;
    bench.found(Figure::new("takeover", "takeover of the relay after kill -9", "s", relays).at_most(5.0));
    let views = of_views(&shop, &pool, kills).await;
    bench.found(Figure::new("takeover", "takeover of a view after kill -9", "s", views).at_most(5.0));
    stop.store(true, Ordering::Relaxed);
    let placed = load.await.expect("the load goes on to the end");
    eprintln!("    {placed} orders were placed meanwhile");
    api.stop().await;
    pool.close().await;
    drop_database(&shop.db).await;
}

/// Places orders, one after another; says how many.
async fn place(mut connection: Connection, stop: Arc<AtomicBool>) -> u64 {
    let (mut random, mut pace, mut placed) = (SmallRng::from_os_rng(), tokio::time::interval(EVERY), 0);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let email = orders::email(&mut random);
        let answer = connection.post("/v1/orders", &[], orders::body(&mut random, &email)).await;
        answer.and_then(|answer| answer.is(StatusCode::CREATED)).expect("an order");
        placed += 1;
    }
    placed
}

async fn of_relays(shop: &Shop, pool: &PgPool, broker: &KafkaBroker, kills: u64) -> Vec<f64> {
    let prefix = kafka::fresh_prefix();
    let name = format!("{prefix}relay");
    let mut relays = vec![shop.relay(broker, &prefix).await, shop.relay(broker, &prefix).await];
    let mut seconds = Vec::new();
    for kill in 1..=kills {
        let nth = leader(pool, &name, &relays.iter().map(Served::pid).collect::<Vec<_>>()).await;
        shop::relayed(&relays[nth], shop::head(pool).await, Instant::now(), AT_MOST).await;
        let mut killed = relays.swap_remove(nth);
        let head = shop::head(pool).await;
        let since = Instant::now();
        killed.program.kill9();
        let took = shop::relayed(&relays[0], head + 1, since, AT_MOST).await;
        eprintln!("  kill {kill}: the relay in {:.2} s", took.as_secs_f64());
        seconds.push(took.as_secs_f64());
        relays.push(shop.relay(broker, &prefix).await);
    }
    for relay in relays {
        relay.stop().await;
    }
    seconds
}

async fn of_views(shop: &Shop, pool: &PgPool, kills: u64) -> Vec<f64> {
    let mut views = vec![shop.projections(), shop.projections()];
    let mut seconds = Vec::new();
    for kill in 1..=kills {
        let nth = leader(pool, VIEW, &views.iter().map(Program::pid).collect::<Vec<_>>()).await;
        let head = shop::head(pool).await;
        until("the view has caught up", Instant::now(), AT_MOST, async || listed(pool).await >= head).await;
        let mut killed = views.swap_remove(nth);
        let head = shop::head(pool).await;
        let since = Instant::now();
        killed.kill9();
        let took = until("the view goes on", since, AT_MOST, async || listed(pool).await > head).await;
        eprintln!("  kill {kill}: the view in {:.2} s", took.as_secs_f64());
        seconds.push(took.as_secs_f64());
        views.push(shop.projections());
    }
    for mut view in views {
        view.sigterm();
        view.wait().await;
    }
    seconds
}

/// Which of the processes leads.
async fn leader(pool: &PgPool, name: &str, pids: &[u32]) -> usize {
    let mut found = None;
    until("one of them leads", Instant::now(), AT_MOST, async || {
        let pid: Option<i32> = sqlx::query_scalar(
            "SELECT i.pid FROM leases AS l JOIN instances AS i ON i.id = l.holder
              WHERE l.name LIKE $1 AND l.until > clock_timestamp()",
        )
        .bind(name)
        .fetch_optional(pool)
        .await
        .expect("the leases can be read");
        found = pid.and_then(|pid| pids.iter().position(|known| *known == pid.unsigned_abs()));
        found.is_some()
    })
    .await;
    found.expect("it was found")
}

/// How far the list is.
async fn listed(pool: &PgPool) -> i64 {
    let position: Option<i64> = sqlx::query_scalar(
        "SELECT max(c.position) FROM projections AS p JOIN projection_checkpoints AS c ON c.schema_name = p.active_schema
          WHERE p.name = 'order_list'",
    )
    .fetch_one(pool)
    .await
    .expect("the checkpoints can be read");
    position.unwrap_or(-1)
}
