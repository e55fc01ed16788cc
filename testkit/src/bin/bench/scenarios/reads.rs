//! Reads at a million orders: pages of the list near and far, and one order by its id.

use super::{MILLION, million_orders, rotation};
use crate::bench::Bench;
use crate::contenders::Peer;
use crate::http::Connection;
use crate::load::{self, Outcome, Plan, Worker};
use crate::report::Figure;
use crate::shop::Shop;
use http::StatusCode;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Instant;

const CONNECTIONS: usize = 16;
const PAGE_ORDERS: u64 = 50;
const DEEP_PAGE: u64 = 10_000;
/// The most that a page may hold: the way to the deep page is walked in such steps.
const STEP_ORDERS: u64 = 200;
/// Orders that are asked for by their ids.
const ASKED_FOR: usize = 100_000;

/// The first page of the list, and page 10,000.
pub async fn list(bench: &mut Bench) {
    let (rounds, plan) = (bench.options.rounds(), Plan::new(CONNECTIONS, bench.options.turn()));
    let deep_page = bench.options.scaled(DEEP_PAGE);
    let shop = million_orders(bench).await;
    let api = shop.api().await;
    let first = format!("/v1/orders?limit={PAGE_ORDERS}");
    let started = Instant::now();
    let cursor = cursor_behind(&mut shop.connect(&api).await, (deep_page - 1) * PAGE_ORDERS).await;
    eprintln!("  walked to page {deep_page} in {:.1} s", started.elapsed().as_secs_f64());
    let deep = format!("{first}&cursor={cursor}");
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        for nth in rotation(round, 2) {
            let (path, outcomes) = if nth == 0 { (&first, &mut near) } else { (&deep, &mut far) };
            let outcome = get(shop, &api, plan, Paths::One(path.clone())).await;
            let [p50, p99] = [0.5, 0.99].map(|share| outcome.latencies.ms(share));
            eprintln!("  round {round}: {:.0} pages/s, p50 {p50:.2} ms, p99 {p99:.2} ms", outcome.per_second());
            outcomes.push((p50, p99));
        }
    }
    api.stop().await;
    let named = |what: &str| format!("list of 50 at 1,000,000 orders, {CONNECTIONS} connections: {what}");
    let deeper = near.iter().zip(&far).map(|(near, far)| far.0 / near.0).collect();
    let p99 = |pages: &[(f64, f64)]| pages.iter().map(|page| page.1).collect();
    bench.found(Figure::new("list", named("first page, p99"), "ms", p99(&near)).at_most(8.0));
    bench.found(Figure::new("list", named("page 10,000, p99"), "ms", p99(&far)).at_most(8.0));
    bench.found(Figure::new("list", named("page 10,000 / first, p50"), "×", deeper).at_most(1.2));
}

/// The cursor behind so many orders.
async fn cursor_behind(connection: &mut Connection, orders: u64) -> String {
    let mut cursor = String::new();
    let mut passed = 0;
    while passed < orders {
        let step = STEP_ORDERS.min(orders - passed);
        let path = format!("/v1/orders?limit={step}{cursor}");
        let page = connection.get(&path, &[]).await.and_then(|answer| answer.is(StatusCode::OK)).expect("a page");
        cursor = format!("&cursor={}", page.text_member("next_cursor").expect("there are more"));
        passed += step;
    }
    cursor.trim_start_matches("&cursor=").to_owned()
}

/// One order by its id, beside the plain cqrs-es service.
pub async fn by_id(bench: &mut Bench) {
    let (server, rounds) = (bench.postgres(), bench.options.rounds());
    let plan = Plan::new(CONNECTIONS, bench.options.turn());
    let count = bench.options.scaled(MILLION);
    let shop = million_orders(bench).await;
    let mut ids: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT aggregate_id FROM events TABLESAMPLE SYSTEM (5) WHERE aggregate_type = 'order' LIMIT $1",
    )
    .bind(ASKED_FOR as i64)
    .fetch_all(&shop.db.pool().await)
    .await
    .expect("the orders can be read");
    let api = shop.api().await;
    let peer = Peer::start(&server).await;
    let mut peers_ids = peer.fill_views(count, ASKED_FOR).await;
    // Both have a million, and are asked for equally many of them.
    let asked_for = ids.len().min(peers_ids.len());
    ids.truncate(asked_for);
    peers_ids.truncate(asked_for);
    eprintln!("  {count} orders each, {asked_for} of them are asked for");
    let paths = |prefix: &str, ids: &[String]| ids.iter().map(|id| format!("{prefix}/{id}")).collect::<Arc<[String]>>();
    let (our_paths, peer_paths) = (paths("/v1/orders", &ids), paths("/orders", &peers_ids));
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        for nth in rotation(round, 2) {
            let (served, paths, rates) = match nth {
                0 => (&api, &our_paths, &mut ours),
                _ => (&peer.service, &peer_paths, &mut plain),
            };
            rates.push(get(shop, served, plan, Paths::AnyOf(Arc::clone(paths))).await.per_second());
        }
        let last = |rates: &[f64]| rates.last().copied().unwrap_or(0.0);
        eprintln!("  round {round}: ours {:.0}/s, plain cqrs-es {:.0}/s", last(&ours), last(&plain));
    }
    api.stop().await;
    crate::contenders::Contender::Peer(peer).end().await;
    let named = |what: &str| format!("one order by id, {CONNECTIONS} connections: {what}");
    let ratio = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain).collect();
    bench.found(Figure::new("by-id", named("plain cqrs-es"), "reads/s", plain));
    bench.found(Figure::new("by-id", named("ours"), "reads/s", ours).at_least(20_000.0));
    bench.found(Figure::new("by-id", named("ours / plain cqrs-es"), "×", ratio));
}

#[derive(Clone)]
enum Paths {
    One(String),
    AnyOf(Arc<[String]>),
}

async fn get(shop: &Shop, served: &crate::roles::Served, plan: Plan, paths: Paths) -> Outcome<()> {
    let (address, key) = (served.address, shop.key.clone());
    load::run(plan, move |_| {
        let (key, paths) = (key.clone(), paths.clone());
        async move {
            Reading { connection: Connection::open(address, &key).await, paths, random: SmallRng::from_os_rng() }
        }
    })
    .await
    .clean()
}

struct Reading {
    connection: Connection,
    paths: Paths,
    random: SmallRng,
}

impl Worker for Reading {
    type Receipt = ();

    async fn once(&mut self) -> Result<(), String> {
        let path = match &self.paths {
            Paths::One(path) => path,
            Paths::AnyOf(paths) => &paths[self.random.random_range(0..paths.len())],
        };
        self.connection.get(path, &[]).await?.is(StatusCode::OK).map(|_| ())
    }
}
