//! The whole history as NDJSON, beside `COPY … TO` of the same rows.

use super::{million_events, rotation};
use crate::bench::Bench;
use crate::contenders::drop_database;
use crate::http::Connection;
use crate::report::Figure;
use crate::shop::{self, Shop};
use futures::TryStreamExt;
use sqlx::postgres::PgPoolCopyExt;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::AsyncReadExt;

/// The most that one answer holds.
const PAGE_EVENTS: u64 = 100_000;
const PIPE_BYTES: usize = 1 << 18;

pub async fn measure(bench: &mut Bench) {
    let rounds = bench.options.rounds();
    let shop = million_events(bench).await;
    let pool = shop.db.pool().await;
    let rows = shop::head(&pool).await.unsigned_abs();
    pool.close().await;
    let api = shop.api().await;
    let (mut copied, mut over_http, mut by_command) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        for nth in rotation(round, 3) {
            let started = Instant::now();
            let (lines, rates) = match nth {
                0 => (copy(shop).await, &mut copied),
                1 => (http(&mut shop.connect(&api).await).await, &mut over_http),
                _ => (command(shop).await, &mut by_command),
            };
            rates.push(lines as f64 / started.elapsed().as_secs_f64());
            assert_eq!(lines, rows, "lines of an export, and rows");
        }
        let latest = [&copied, &over_http, &by_command].map(|rates| rates.last().copied().unwrap_or(0.0));
        eprintln!(
            "  round {round}: COPY {:.0}, HTTP {:.0}, orders events {:.0} rows/s",
            latest[0], latest[1], latest[2]
        );
    }
    api.stop().await;
    // The last that reads it: longer histories need the disk.
    let shop = bench.million_events.take().expect("it was just read");
    drop_database(&shop.db).await;
    let ratio = |rates: &[f64]| rates.iter().zip(&copied).map(|(rate, copy)| rate / copy).collect();
    let (http_ratio, command_ratio) = (ratio(&over_http), ratio(&by_command));
    let mut found = |name: &str, unit, rates| bench.found(Figure::new("export", name, unit, rates));
    found("COPY … TO of 1,000,000 events", "events/s", copied);
    found("export of 1,000,000 events by GET /v1/events", "events/s", over_http);
    found("export of 1,000,000 events by orders events", "events/s", by_command);
    bench.found(Figure::new("export", "GET /v1/events / COPY … TO", "×", http_ratio).at_least(0.4));
    bench.found(Figure::new("export", "orders events / COPY … TO", "×", command_ratio).at_least(0.4));
}

async fn copy(shop: &Shop) -> u64 {
    let pool = shop.db.owner_pool().await;
    let mut rows = pool.copy_out_raw("COPY events TO STDOUT").await.expect("the events can be copied");
    let mut lines = 0;
    while let Some(chunk) = rows.try_next().await.expect("the events can be copied") {
        lines += line_feeds(&chunk);
    }
    drop(rows);
    pool.close().await;
    lines
}

/// Reads the whole history page by page, and counts its events.
pub(super) async fn http(connection: &mut Connection) -> u64 {
    let mut after = 0;
    loop {
        let mut lines = 0;
        let path = format!("/v1/events?after={after}&limit={PAGE_EVENTS}");
        connection.get_streamed(&path, |data| lines += line_feeds(data)).await.expect("the events can be read");
        after += lines;
        if lines < PAGE_EVENTS {
            return after;
        }
    }
}

async fn command(shop: &Shop) -> u64 {
    let mut events = tokio::process::Command::new(shop.program());
    events.arg("events").env_clear().env("DATABASE_URL", shop.db.app_url()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut events = events.spawn().expect("the program can be started");
    let mut output = events.stdout.take().expect("its output is piped");
    let (mut buffer, mut lines) = (vec![0; PIPE_BYTES], 0);
    loop {
        match output.read(&mut buffer).await.expect("its output can be read") {
            0 => break,
            bytes => lines += line_feeds(&buffer[..bytes]),
        }
    }
    assert!(events.wait().await.expect("it ends").success(), "orders events failed");
    lines
}

fn line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
