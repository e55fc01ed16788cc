//! Mail: how long after the answer it is there, and how fast a backlog of it goes out. Real Kafka; SMTP to a sink.

use crate::bench::Bench;
use crate::contenders::drop_database;
use crate::fill::{Mix, Until};
use crate::kafka;
use crate::orders;
use crate::report::Figure;
use crate::shop::{self, Shop};
use crate::smtp::Sink;
use crate::stats::{Latencies, microseconds};
use crate::usage::{CpuWatch, until};
use http::StatusCode;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use testkit::Program;
use testkit::kafka::KafkaBroker;
use tokio::time::MissedTickBehavior;

const ORDERS_PER_SECOND: u32 = 20;
/// Orders of a round, and those before them that do not count.
const ORDERS: u64 = 400;
const WARM_UP: usize = 40;
const BACKLOG: u64 = 20_000;
const AT_MOST: Duration = Duration::from_secs(180);

fn consumers(shop: &Shop, kafka: &KafkaBroker, prefix: &str, sink: &Sink) -> Program {
    let launch = shop.launch_with_kafka(&["consumers", "run"], kafka, prefix);
    launch.env("SMTP_URL", sink.url()).env("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>").spawn()
}

/// From the 201 to the mail's last line at the SMTP server.
pub async fn latency(bench: &mut Bench) {
    let (server, broker, orders) = (bench.postgres(), bench.kafka(), bench.orders.clone());
    let shop = Shop::open(&server, &orders).await;
    let (sink, prefix) = (Sink::start(), kafka::fresh_prefix());
    let (api, relay) = (shop.api().await, shop.relay(&broker, &prefix).await);
    let mut mails = consumers(&shop, &broker, &prefix, &sink);
    // Topics are made and groups joined once.
    let first = place(&shop, &api, 1).await;
    until("the first mail has come", Instant::now(), AT_MOST, async || sink.arrived(&first[0].0).is_some()).await;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds() {
        let placed = place(&shop, &api, bench.options.scaled(ORDERS) as usize + WARM_UP).await;
        let all_here = async || placed.iter().all(|(email, _)| sink.arrived(email).is_some());
        until("all mails have come", Instant::now(), AT_MOST, all_here).await;
        let took = |(email, answered): &(String, Instant)| {
            let arrived = sink.arrived(email).expect("all have come");
            microseconds(arrived.saturating_duration_since(*answered))
        };
        let latencies = Latencies::of(placed[WARM_UP..].iter().map(took).collect());
        eprintln!("  round {round}: p50 {:.1} ms, p99 {:.1} ms", latencies.ms(0.5), latencies.ms(0.99));
        p50.push(latencies.ms(0.5));
        p99.push(latencies.ms(0.99));
    }
    bench.found(Figure::new("mail", "201 → mail, 20 orders/s, p50", "ms", p50).at_most(20.0));
    bench.found(Figure::new("mail", "201 → mail, 20 orders/s, p99", "ms", p99).at_most(60.0));
    mails.sigterm();
    mails.wait().await;
    each_once(&shop, &sink).await;
    relay.stop().await;
    api.stop().await;
    drop_database(&shop.db).await;
}

/// Places orders at a steady pace; gives the addresses, and when each was answered.
async fn place(shop: &Shop, api: &crate::roles::Served, count: usize) -> Vec<(String, Instant)> {
    let (mut connection, mut random) = (shop.connect(api).await, SmallRng::from_os_rng());
    let mut pace = tokio::time::interval(Duration::from_secs(1) / ORDERS_PER_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut placed = Vec::with_capacity(count);
    for _ in 0..count {
        pace.tick().await;
        let email = orders::email(&mut random);
        let answer = connection.post("/v1/orders", &[], orders::body(&mut random, &email)).await;
        let answered = Instant::now();
        answer.and_then(|answer| answer.is(StatusCode::CREATED)).expect("an order");
        placed.push((email, answered));
    }
    placed
}

/// Once the program has ended, and nothing more can come: each order in the log has its mail, once.
async fn each_once(shop: &Shop, sink: &Sink) {
    let pool = shop.db.superuser_pool().await;
    let addresses = "SELECT payload #>> '{OrderPlaced,customer,email}' FROM events WHERE event_type = 'OrderPlaced'";
    let addresses: Vec<String> = sqlx::query_scalar(addresses).fetch_all(&pool).await.expect("the events can be read");
    pool.close().await;
    let orders = addresses.len();
    let addresses: HashSet<String> = addresses.into_iter().collect();
    assert_eq!(addresses.len(), orders, "each order has an address of its own");
    sink.assert_one_each(&addresses);
    eprintln!("    each of {orders} orders has its mail, once");
}

/// Mails that have gathered while nobody sent any.
pub async fn drain(bench: &mut Bench) {
    let (server, broker, orders) = (bench.postgres(), bench.kafka(), bench.orders.clone());
    let shop = Shop::open(&server, &orders).await;
    let (sink, prefix) = (Sink::start(), kafka::fresh_prefix());
    let backlog = bench.options.scaled(BACKLOG);
    let mut per_second = Vec::new();
    for round in 1..=bench.options.rounds() {
        shop.fill(Until::Orders(backlog), Mix { lines: 1, paid_of: 0, small_payments: 0 }).await;
        let pool = shop.db.pool().await;
        let head = shop::head(&pool).await;
        pool.close().await;
        let relay = shop.relay(&broker, &prefix).await;
        shop::relayed(&relay, head, Instant::now(), AT_MOST).await;
        relay.stop().await;
        let (before, _) = sink.count();
        let mut mails = consumers(&shop, &broker, &prefix, &sink);
        let watch =
            CpuWatch::begin().and("consumers", &[mails.pid()]).and("kafka", &[broker.pid()]).and_postgres(&server);
        let started = Instant::now();
        until("the first mail has come", started, AT_MOST, async || sink.count().0 > before).await;
        let first = Instant::now();
        until("all mails have come", started, AT_MOST, async || sink.count().0 >= before + backlog).await;
        let cpu = watch.end();
        let (_, last) = sink.count();
        let took = last.expect("mails have come").duration_since(first).as_secs_f64();
        per_second.push(backlog as f64 / took);
        let begun = first.duration_since(started).as_secs_f64();
        eprintln!("  round {round}: {backlog} mails in {took:.2} s, the first after {begun:.2} s; cores: {cpu}");
        mails.sigterm();
        mails.wait().await;
        each_once(&shop, &sink).await;
    }
    bench.found(Figure::new("drain", "mails drained from a backlog", "mails/s", per_second).at_least(2_000.0));
    drop_database(&shop.db).await;
}
