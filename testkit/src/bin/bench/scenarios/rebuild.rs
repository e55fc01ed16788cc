//! A view made anew from the whole history, beside the one that serves.

use super::{million_events, rotation};
use crate::bench::Bench;
use crate::report::Figure;
use crate::shop;
use crate::usage::CpuWatch;
use std::time::{Duration, Instant};

const VIEWS: [&str; 2] = ["order_list", "order_totals"];
const AT_MOST: Duration = Duration::from_secs(300);

pub async fn measure(bench: &mut Bench) {
    let (server, rounds) = (bench.postgres(), bench.options.rounds());
    let shop = million_events(bench).await;
    let pool = shop.db.pool().await;
    let head = shop::head(&pool).await;
    pool.close().await;
    let mut projections = shop.projections();
    let first = shop.views_caught_up(Instant::now(), AT_MOST).await;
    eprintln!("  all views for the first time: {:.1} s", first.as_secs_f64());
    projections.sigterm();
    projections.wait().await;
    let mut per_second = VIEWS.map(|_| Vec::new());
    for round in 1..=rounds {
        for nth in rotation(round, VIEWS.len()) {
            let view = VIEWS[nth];
            let mut rebuild = shop.launch(&["projections", "rebuild", view]).spawn();
            let watch = CpuWatch::begin().and("rebuild", &[rebuild.pid()]).and_postgres(&server);
            let took = rebuild.time_to_line("is rebuilt and serves", AT_MOST).await.as_secs_f64();
            // Before it is waited for: then nobody knows any more what it used.
            eprintln!("  round {round}: {view} in {took:.2} s, cores: {}", watch.end());
            rebuild.wait().await;
            per_second[nth].push(head as f64 / took);
        }
    }
    for (view, per_second) in VIEWS.iter().zip(per_second) {
        let name = format!("rebuild of {view} from 1,000,000 events");
        bench.found(Figure::new("rebuild", name, "events/s", per_second).at_least(150_000.0));
    }
}
