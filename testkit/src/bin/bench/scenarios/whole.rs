//! Orders with the whole system at work: read models follow, the relay streams into a real Kafka. A plain cqrs-es
//! service keeps one view and streams nothing.

use super::{rates, rotation};
use crate::bench::Bench;
use crate::contenders::{Contender, Keys, Ours, Peer, checkpoint};
use crate::kafka;
use crate::load::Plan;
use crate::report::Figure;
use crate::shop::{self, Shop};
use crate::usage::memory_mb;
use std::time::{Duration, Instant};

const CONNECTIONS: [usize; 3] = [16, 64, 256];
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(120);

pub async fn measure(bench: &mut Bench) {
    let (server, broker, orders) = (bench.postgres(), bench.kafka(), bench.orders.clone());
    let shop = Shop::open(&server, &orders).await;
    let (projections, prefix) = (shop.projections(), kafka::fresh_prefix());
    let relay = shop.relay(&broker, &prefix).await;
    shop.views_caught_up(Instant::now(), CATCHES_UP_WITHIN).await;
    let pids = [("views", projections.pid()), ("relay", relay.pid()), ("kafka", broker.pid())];
    let ours = Ours::start(shop, Keys::Without).await.beside("ours, whole system", &pids);
    let mut contenders = [Contender::Ours(ours), Contender::Peer(Peer::start(&server).await)];
    for connections in CONNECTIONS {
        let plan = Plan::new(connections, bench.options.turn());
        let (mut ours, mut peer, mut lags) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=bench.options.rounds() {
            eprintln!("  {connections} connections, round {round}");
            for nth in rotation(round, contenders.len()) {
                checkpoint(&server).await;
                let turn = contenders[nth].turn(plan).await;
                if nth == 0 {
                    ours.push(turn);
                    lags.push(lag(&contenders[0], &relay).await);
                } else {
                    peer.push(turn);
                }
            }
        }
        let named = |what: &str| format!("whole system, {connections} connections: {what}");
        let ratio = ours.iter().zip(&peer).map(|(ours, peer)| ours.per_second / peer.per_second).collect();
        let scenario = "whole";
        bench.found(Figure::new(scenario, named("ours"), "orders/s", rates(&ours)));
        bench.found(Figure::new(scenario, named("plain cqrs-es"), "orders/s", rates(&peer)));
        bench.found(Figure::new(scenario, named("ours / plain cqrs-es"), "×", ratio).at_least(2.5));
        bench.found(Figure::new(scenario, named("caught up after the load"), "s", lags).at_most(2.0));
    }
    for contender in &contenders {
        contender.check().await;
    }
    tell_memory(&contenders[0], &pids);
    if let Contender::Ours(ours) = &contenders[0] {
        let pool = ours.shop.db.pool().await;
        let (stored, streamed) = (shop::head(&pool).await, kafka::committed_events(&broker, &prefix).await);
        pool.close().await;
        assert_eq!(stored.unsigned_abs(), streamed, "events in the log and in Kafka");
        eprintln!("    each of {stored} events is in Kafka once");
    }
    relay.stop().await;
    drop(projections);
    for contender in contenders {
        contender.end().await;
    }
}

/// Seconds from the load's end until views and relay have everything.
async fn lag(ours: &Contender, relay: &crate::roles::Served) -> f64 {
    let Contender::Ours(ours) = ours else { unreachable!("the first contender is ours") };
    let since = Instant::now();
    let pool = ours.shop.db.pool().await;
    let head = shop::head(&pool).await;
    pool.close().await;
    let viewed = ours.shop.views_caught_up(since, CATCHES_UP_WITHIN);
    let (viewed, relayed) = futures::join!(viewed, shop::relayed(relay, head, since, CATCHES_UP_WITHIN));
    eprintln!("    caught up: views {:.2} s, relay {:.2} s", viewed.as_secs_f64(), relayed.as_secs_f64());
    viewed.max(relayed).as_secs_f64()
}

/// What each role has in memory by then.
fn tell_memory(ours: &Contender, others: &[(&'static str, u32)]) {
    let Contender::Ours(ours) = ours else { unreachable!("the first contender is ours") };
    let api = [("api", ours.api.pid())];
    let each = api.iter().chain(others).map(|(name, pid)| format!("{name} {:.0} MB", memory_mb(*pid).0));
    eprintln!("    memory: {}", each.collect::<Vec<_>>().join(", "));
}
