//! A relay that starts far behind: a backlog of events, exactly once into a real Kafka.

use super::million_events;
use crate::bench::Bench;
use crate::kafka;
use crate::report::Figure;
use crate::shop;
use crate::usage::CpuWatch;
use std::time::Duration;

const AT_MOST: Duration = Duration::from_secs(300);

pub async fn measure(bench: &mut Bench) {
    let broker = bench.kafka();
    let (server, rounds) = (bench.postgres(), bench.options.rounds());
    let shop = million_events(bench).await;
    let pool = shop.db.pool().await;
    let head = shop::head(&pool).await;
    pool.close().await;
    let mut per_second = Vec::new();
    for round in 1..=rounds {
        let prefix = kafka::fresh_prefix();
        let relay = shop.relay(&broker, &prefix).await;
        let watch = CpuWatch::begin().and("relay", &[relay.pid()]).and("kafka", &[broker.pid()]).and_postgres(&server);
        // From the start of the process: it is at work before anybody has read that it is.
        let took = shop::relayed(&relay, head, relay.program.spawned(), AT_MOST).await;
        per_second.push(head as f64 / took.as_secs_f64());
        eprintln!("  round {round}: {head} events in {:.2} s, cores: {}", took.as_secs_f64(), watch.end());
        relay.stop().await;
        if round == rounds {
            let streamed = kafka::committed_events(&broker, &prefix).await;
            assert_eq!(head.unsigned_abs(), streamed, "events in the log and in Kafka");
            eprintln!("    each of {head} events is in Kafka once");
        }
    }
    let name = "relay, a backlog of 1,000,000 events into Kafka";
    bench.found(Figure::new("relay", name, "events/s", per_second).at_least(100_000.0));
}
