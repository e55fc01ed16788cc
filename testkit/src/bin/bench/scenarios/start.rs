//! The start of everything in one process with nothing configured, the first time and with a history; and the binary.

use crate::bench::Bench;
use crate::fill::{self, Mix, Until};
use crate::report::Figure;
use crate::usage::until;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::{Launch, Program};

const READY: &str = "orders is ready";
const EVENTS: u64 = 1_000_000;
/// Few orders with many payments: it is the events that count, and each order is a mail to be written before the end.
const MIX: Mix = Mix { lines: 3, paid_of: 0, small_payments: 96 };
const AT_MOST: Duration = Duration::from_secs(300);

pub async fn measure(bench: &mut Bench) {
    let binary = std::fs::metadata(&bench.orders).expect("the program is there").len() as f64 / 1e6;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut used = None;
    for round in 1..=bench.options.rounds() {
        // The one before is removed before the next is made.
        drop(used.take());
        let data = tempfile::tempdir().expect("a directory");
        open_to_all(data.path());
        let (program, took) = start(bench, &data).await;
        eprintln!("  round {round}: first start in {took:.2} s");
        first.push(took);
        used = Some((program, data));
    }
    let (program, data) = used.expect("there is a round at least");
    let mut running = fill_and_catch_up(bench, program).await;
    for round in 1..=bench.options.rounds() {
        running.sigterm();
        running.wait().await;
        let (program, took) = start(bench, &data).await;
        eprintln!("  round {round}: start with {EVENTS} events in {took:.2} s");
        second.push(took);
        running = program;
    }
    running.sigterm();
    running.wait().await;
    bench.found(Figure::new("start", "first start, nothing configured", "s", first).at_most(4.0));
    bench.found(Figure::new("start", "start with 1,000,000 events", "s", second).at_most(1.0));
    bench.found(Figure::new("start", "the binary", "MB", vec![binary]).at_most(40.0));
}

/// PostgreSQL runs as another user when we are root.
fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("one's own directory");
}

/// Starts everything; gives the seconds from the start of the process until it says that it is ready.
async fn start(bench: &Bench, data: &TempDir) -> (Program, f64) {
    let launch = Launch::of(&bench.orders).arg("serve").env("ORDERS_DATA_DIR", data.path());
    let mut program = launch.env("ORDERS_LISTEN", "127.0.0.1:0").spawn();
    let took = program.time_to_line(READY, AT_MOST).await;
    (program, took.as_secs_f64())
}

/// Writes a history below the running program, and waits until views and mails are through with it.
async fn fill_and_catch_up(bench: &Bench, mut program: Program) -> Program {
    let line = program.wait_for_line("psql '").await;
    let url = line.split('\'').nth(1).expect("the database's address is quoted");
    let pool = superuser(url).await;
    fill::orders(&pool, Until::Events(bench.options.scaled(EVENTS)), MIX).await;
    let since = Instant::now();
    let head = crate::shop::head(&pool).await;
    until("the views have caught up", since, AT_MOST, async || crate::shop::viewed(&pool).await >= head).await;
    let mails = "SELECT count(*) FROM events AS e WHERE e.event_type = 'OrderPlaced' AND NOT EXISTS
                 (SELECT FROM consumer_ledger AS l WHERE l.event_id = e.event_id AND l.state = 'sent')";
    until("the mails are written", since, AT_MOST, async || {
        let left: i64 = sqlx::query_scalar(mails).fetch_one(&pool).await.expect("the ledger can be read");
        left == 0
    })
    .await;
    eprintln!("    views and mails are through with it after {:.1} s", since.elapsed().as_secs_f64());
    pool.close().await;
    program
}

/// The private PostgreSQL lets its user in as the superuser, by its socket.
async fn superuser(url: &str) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("the address of a database");
    PgPoolOptions::new()
        .max_connections(2)
        .connect_with(options.username("postgres"))
        .await
        .expect("the database answers")
}
