//! A long history as one file of Parquet, or read over HTTP: what it takes, and what whoever writes meanwhile notices.

use super::{TEN_MILLION, export, rotation};
use crate::bench::Bench;
use crate::contenders::{Contender, Keys, Ours, Turn, checkpoint};
use crate::fill::{USUAL, Until};
use crate::http::Connection;
use crate::load::Plan;
use crate::report::Figure;
use crate::shop::Shop;
use crate::usage::peak_mb;
use std::time::{Duration, Instant};
use testkit::Launch;

const CONNECTIONS: usize = 16;
/// However slow it is, it ends.
const EXPORT_AT_MOST: Duration = Duration::from_secs(3_600);
/// How many of the orders that are taken otherwise are taken beside it, at least.
const BESIDE_AT_LEAST: f64 = 0.7;
/// What the whole of it may have in memory.
const PEAK_MB: f64 = 150.0;

pub async fn measure(bench: &mut Bench) {
    let (server, orders, rounds, turn) =
        (bench.postgres(), bench.orders.clone(), bench.options.rounds(), bench.options.turn());
    let events = bench.options.events.unwrap_or_else(|| bench.options.scaled(TEN_MILLION));
    let shop = Shop::open(&server, &orders).await;
    shop.fill(Until::Events(events), USUAL).await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("history.parquet");
    let export = shop.launch(&["events", "--format", "parquet", "--output"]).arg(&file);
    let (mut rates, mut peaks, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        let (took, peak) = whole(&export).await;
        rates.push(events as f64 / took.as_secs_f64());
        peaks.push(peak);
        sizes.push(std::fs::metadata(&file).expect("the file is there").len() as f64 / events as f64);
        eprintln!("  round {round}: {events} events in {:.1} s, {peak:.0} MB at most", took.as_secs_f64());
    }
    let ours = Ours::start(shop, Keys::Without).await;
    let (address, key) = (ours.api.address, ours.shop.key.clone());
    let mut ours = Contender::Ours(ours);
    let plan = Plan::new(CONNECTIONS, turn);
    let (mut alone, mut beside, mut beside_http) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!(
            "  {CONNECTIONS} connections, round {round}: without an export, beside one, and beside GET /v1/events"
        );
        for nth in rotation(round, 3) {
            checkpoint(&server).await;
            match nth {
                0 => alone.push(ours.turn(plan).await),
                1 => beside.push(beside_exports(&mut ours, plan, &export).await),
                _ => beside_http.push(beside_reader(&mut ours, plan, Connection::open(address, &key).await).await),
            }
        }
    }
    ours.check().await;
    ours.end().await;
    let parquet = "history as Parquet";
    let mut found =
        |name: &str, unit, rounds| bench.found(Figure::new("history", format!("{parquet}: {name}"), unit, rounds));
    found("orders events", "events/s", rates);
    found("bytes of an event", "bytes", sizes);
    found("orders without it, 16 connections", "orders/s", alone.iter().map(|turn| turn.per_second).collect());
    found("p99 without it, 16 connections", "ms", alone.iter().map(|turn| turn.p99).collect());
    bench.found(Figure::new("history", format!("{parquet}: memory at most"), "MB", peaks).at_most(PEAK_MB));
    noticed(bench, parquet, &alone, &beside);
    noticed(bench, "history by GET /v1/events", &alone, &beside_http);
}

/// What whoever orders notices of a reader.
fn noticed(bench: &mut Bench, reader: &str, alone: &[Turn], beside: &[Turn]) {
    let figure = |name: &str, unit, rounds| {
        Figure::new("history", format!("{reader}: {name}, {CONNECTIONS} connections"), unit, rounds)
    };
    let ratio = beside.iter().zip(alone).map(|(beside, alone)| beside.per_second / alone.per_second).collect();
    bench.found(figure("orders beside it", "orders/s", beside.iter().map(|turn| turn.per_second).collect()));
    bench.found(figure("p99 beside it", "ms", beside.iter().map(|turn| turn.p99).collect()));
    bench.found(figure("orders beside / without it", "×", ratio).at_least(BESIDE_AT_LEAST));
}

/// How long a whole export takes, and the most memory that it has.
async fn whole(export: &Launch) -> (Duration, f64) {
    let begun = Instant::now();
    let (mut program, mut peak) = (export.spawn(), 0.0);
    while !program.has_ended() {
        peak = peak_mb(program.pid()).unwrap_or(peak);
        assert!(begun.elapsed() < EXPORT_AT_MOST, "the export goes on for ever");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    assert!(program.wait().await.success(), "orders events failed: {}", program.output());
    (took, peak)
}

/// A turn with one export after another all the while.
async fn beside_exports(ours: &mut Contender, plan: Plan, export: &Launch) -> Turn {
    tokio::select! {
        turn = ours.turn(plan) => turn,
        turn = for_ever(export) => turn,
    }
}

/// A turn while a client reads the history over HTTP, again and again.
async fn beside_reader(ours: &mut Contender, plan: Plan, mut reader: Connection) -> Turn {
    let reads = async {
        loop {
            export::http(&mut reader).await;
        }
    };
    tokio::select! {
        turn = ours.turn(plan) => turn,
        turn = reads => turn,
    }
}

/// One after another, until this is dropped.
async fn for_ever(export: &Launch) -> Turn {
    loop {
        whole(export).await;
    }
}
