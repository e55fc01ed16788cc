//! Appending behind ten million events, beside appending to an empty log.

use super::{TEN_MILLION, million_orders, rates, rotation};
use crate::bench::Bench;
use crate::contenders::{Contender, Keys, Ours, checkpoint};
use crate::fill::{USUAL, Until};
use crate::load::Plan;
use crate::report::Figure;
use crate::shop::Shop;

const CONNECTIONS: [usize; 2] = [16, 64];

pub async fn measure(bench: &mut Bench) {
    let (server, orders, rounds) = (bench.postgres(), bench.orders.clone(), bench.options.rounds());
    let (turn, events) = (bench.options.turn(), bench.options.scaled(TEN_MILLION));
    million_orders(bench).await.fill(Until::Events(events), USUAL).await;
    let long = bench.million_orders.take().expect("it was just filled");
    let grown = Ours::start(long, Keys::Without).await.beside("ours, 10,000,000 events", &[]);
    let mut grown = Contender::Ours(grown);
    let empty = Shop::open(&server, &orders).await;
    let mut empty = Contender::Ours(Ours::start(empty, Keys::Without).await.beside("ours, empty log", &[]));
    for connections in CONNECTIONS {
        let plan = Plan::new(connections, turn);
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            eprintln!("  {connections} connections, round {round}");
            for nth in rotation(round, 2) {
                checkpoint(&server).await;
                match nth {
                    0 => before.push(empty.turn(plan).await),
                    _ => behind.push(grown.turn(plan).await),
                }
            }
        }
        let ratio = before.iter().zip(&behind).map(|(before, behind)| behind.per_second / before.per_second).collect();
        let named = |what: &str| format!("append, {connections} connections: {what}");
        bench.found(Figure::new("grown", named("empty log"), "orders/s", rates(&before)));
        bench.found(Figure::new("grown", named("10,000,000 events in the log"), "orders/s", rates(&behind)));
        bench.found(Figure::new("grown", named("10,000,000 events / empty"), "×", ratio).at_least(0.9));
    }
    empty.check().await;
    grown.check().await;
    empty.end().await;
    grown.end().await;
}
