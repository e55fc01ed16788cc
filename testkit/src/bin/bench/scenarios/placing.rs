//! `POST /v1/orders` with three lines: the API role and PostgreSQL, beside a plain cqrs-es service and raw PostgreSQL.

use super::rotation;
use crate::bench::Bench;
use crate::contenders::{Contender, Keys, Ours, Peer, Raw, Turn, checkpoint};
use crate::load::Plan;
use crate::report::Figure;
use crate::shop::Shop;
use testkit::postgres::PostgresServer;

/// What is asked of one number of connections.
struct Asked {
    scenario: &'static str,
    connections: usize,
    /// Of the program, against the plain cqrs-es service.
    times_plain: f64,
    p99_ms: Option<f64>,
    /// Of the program with keys, against itself without.
    with_keys: Option<f64>,
}

pub async fn over_16(bench: &mut Bench) {
    let server = bench.postgres();
    let asked =
        Asked { scenario: "orders-16", connections: 16, times_plain: 4.0, p99_ms: Some(10.0), with_keys: Some(0.8) };
    measure(bench, server, &asked).await;
}

pub async fn over_64(bench: &mut Bench) {
    let server = bench.postgres();
    let asked =
        Asked { scenario: "orders-64", connections: 64, times_plain: 6.0, p99_ms: Some(10.0), with_keys: Some(0.8) };
    measure(bench, server, &asked).await;
}

pub async fn over_256(bench: &mut Bench) {
    let server = bench.postgres();
    let asked =
        Asked { scenario: "orders-256", connections: 256, times_plain: 8.0, p99_ms: None, with_keys: Some(0.8) };
    measure(bench, server, &asked).await;
}

pub async fn slow_over_16(bench: &mut Bench) {
    let server = bench.slow_postgres();
    let asked = Asked { scenario: "slow-16", connections: 16, times_plain: 1.4, p99_ms: None, with_keys: None };
    measure(bench, server, &asked).await;
}

pub async fn slow_over_64(bench: &mut Bench) {
    let server = bench.slow_postgres();
    let asked = Asked { scenario: "slow-64", connections: 64, times_plain: 4.0, p99_ms: None, with_keys: None };
    measure(bench, server, &asked).await;
}

async fn measure(bench: &mut Bench, server: PostgresServer, asked: &Asked) {
    let orders = bench.orders.clone();
    let shop = async || Shop::open(&server, &orders).await;
    let mut contenders = vec![Contender::Ours(Ours::start(shop().await, Keys::Without).await)];
    if asked.with_keys.is_some() {
        contenders.push(Contender::Ours(Ours::start(shop().await, Keys::OnEach).await));
    }
    contenders.push(Contender::Peer(Peer::start(&server).await));
    contenders.push(Contender::Raw(Raw::start(&server).await));

    let plan = Plan::new(asked.connections, bench.options.turn());
    let mut turns: Vec<Vec<Turn>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 1..=bench.options.rounds() {
        eprintln!("  round {round}");
        for nth in rotation(round, contenders.len()) {
            checkpoint(&server).await;
            turns[nth].push(contenders[nth].turn(plan).await);
        }
    }
    for contender in &contenders {
        contender.check().await;
    }
    tell(bench, asked, &contenders, &turns);
    for contender in contenders {
        contender.end().await;
    }
}

fn tell(bench: &mut Bench, asked: &Asked, contenders: &[Contender], turns: &[Vec<Turn>]) {
    let Asked { scenario, connections, .. } = *asked;
    let flush = if scenario.starts_with("slow") { ", slow flush" } else { "" };
    let named = |what: &str| format!("orders, {connections} connections{flush}: {what}");
    for (contender, turns) in contenders.iter().zip(turns) {
        let name = contender.name();
        let rates = turns.iter().map(|turn| turn.per_second).collect();
        bench.found(Figure::new(scenario, named(name), "orders/s", rates));
        let p50 = turns.iter().map(|turn| turn.p50).collect();
        bench.found(Figure::new(scenario, named(&format!("{name}, p50")), "ms", p50));
        let p99 =
            Figure::new(scenario, named(&format!("{name}, p99")), "ms", turns.iter().map(|turn| turn.p99).collect());
        let is_ours = name == "ours";
        bench.found(match asked.p99_ms.filter(|_| is_ours) {
            Some(most) => p99.at_most(most),
            None => p99,
        });
    }
    let ratio = |of: &str, to: &str| -> Vec<f64> {
        let turns_of =
            |name: &str| contenders.iter().position(|contender| contender.name() == name).map(|nth| &turns[nth]);
        let (of, to) = (turns_of(of).into_iter().flatten(), turns_of(to).into_iter().flatten());
        of.zip(to).map(|(of, to)| of.per_second / to.per_second).collect()
    };
    let times_plain = ratio("ours", "plain cqrs-es");
    bench.found(Figure::new(scenario, named("ours / plain cqrs-es"), "×", times_plain).at_least(asked.times_plain));
    bench.found(Figure::new(scenario, named("ours / raw PostgreSQL"), "×", ratio("ours", "raw PostgreSQL")));
    if let Some(least) = asked.with_keys {
        let with_keys = ratio("ours, with Idempotency-Key", "ours");
        bench.found(Figure::new(scenario, named("with Idempotency-Key / without"), "×", with_keys).at_least(least));
    }
}
