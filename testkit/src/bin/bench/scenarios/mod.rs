//! What is measured: one scenario, one file; its figures are what the table shows.

mod export;
mod grown;
mod history;
mod mail;
mod memory;
mod pages;
mod payments;
mod placing;
mod reads;
mod rebuild;
mod relay;
mod snapshot;
mod start;
mod takeover;
mod visible;
mod whole;

use crate::bench::Bench;
use crate::contenders::Turn;
use crate::fill::{Mix, USUAL, Until};
use crate::options::Options;
use crate::shop::Shop;
use std::pin::Pin;
use std::time::{Duration, Instant};

const MILLION: u64 = 1_000_000;
const TEN_MILLION: u64 = 10_000_000;
const VIEWS_AT_MOST: Duration = Duration::from_secs(600);

type Running<'b> = Pin<Box<dyn Future<Output = ()> + 'b>>;

/// A thing to measure.
pub struct Scenario {
    /// What `--only` calls it.
    pub name: &'static str,
    pub about: &'static str,
    /// What the names of its figures begin with.
    pub figures: &'static [&'static str],
    pub run: for<'b> fn(&'b mut Bench) -> Running<'b>,
}

macro_rules! scenario {
    ($name:literal, $about:literal, $figures:expr, $run:expr) => {
        Scenario { name: $name, about: $about, figures: &$figures, run: |bench| Box::pin($run(bench)) }
    };
}

/// In the order in which they run.
const ALL: &[Scenario] = &[
    scenario!(
        "orders-16",
        "orders of three lines over 16 connections, beside the peers",
        ["orders, 16 connections: "],
        placing::over_16
    ),
    scenario!("orders-64", "the same over 64", ["orders, 64 connections: "], placing::over_64),
    scenario!("orders-256", "the same over 256", ["orders, 256 connections: "], placing::over_256),
    scenario!(
        "slow-16",
        "orders over 16 connections where each flush takes 1 ms more",
        ["orders, 16 connections, slow flush: "],
        placing::slow_over_16
    ),
    scenario!("slow-64", "the same over 64", ["orders, 64 connections, slow flush: "], placing::slow_over_64),
    scenario!("whole", "orders while views and relay follow, into a real Kafka", ["whole system, "], whole::measure),
    scenario!(
        "payments",
        "payments on one hot order from 64 connections",
        ["payments on one order, "],
        payments::measure
    ),
    scenario!("relay", "a backlog of 1,000,000 events into a real Kafka", ["relay, "], relay::measure),
    scenario!("rebuild", "order_list and order_totals anew from 1,000,000 events", ["rebuild of "], rebuild::measure),
    scenario!(
        "export",
        "1,000,000 events as NDJSON, beside COPY",
        ["COPY … TO of ", "export of ", "GET /v1/events / ", "orders events / "],
        export::measure
    ),
    scenario!(
        "history",
        "10,000,000 events as Parquet, alone and beside orders, and read over HTTP beside them",
        ["history as Parquet: ", "history by GET /v1/events: "],
        history::measure
    ),
    scenario!("mail", "201 to the mail at the SMTP server, at 20 orders/s", ["201 → mail, "], mail::latency),
    scenario!("drain", "a backlog of mails", ["mails drained "], mail::drain),
    scenario!(
        "takeover",
        "another process leads after kill -9 of the one that does",
        ["takeover of "],
        takeover::measure
    ),
    scenario!("visible", "201 to the order in the list", ["201 → visible "], visible::measure),
    scenario!("list", "pages of the list at 1,000,000 orders", ["list of 50 "], reads::list),
    scenario!("by-id", "one order by its id, beside the peer", ["one order by id, "], reads::by_id),
    scenario!("pages", "the shop's pages, alone and over 16 connections", ["page, "], pages::measure),
    scenario!("grown", "appending with 10,000,000 events in the log", ["append, "], grown::measure),
    scenario!("snapshot", "appending while a snapshot is open for 60 s", ["append p50"], snapshot::measure),
    scenario!(
        "memory",
        "memory after 1,000,000 orders",
        ["orders that it took", "memory of orders serve "],
        memory::measure
    ),
    scenario!(
        "start",
        "first start, start with 1,000,000 events, the binary",
        ["first start, ", "start with ", "the binary"],
        start::measure
    ),
];

/// Those asked for, in their order here; or the name that none has.
pub fn choose(options: &Options) -> Result<Vec<&'static Scenario>, String> {
    let known = |name: &String| ALL.iter().any(|scenario| scenario.name == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        return Err(unknown.clone());
    }
    let wanted =
        |scenario: &&Scenario| options.only.is_empty() || options.only.iter().any(|name| name == scenario.name);
    Ok(ALL.iter().filter(wanted).collect())
}

/// All names, with what they are.
pub fn print_list() {
    let width = ALL.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    for Scenario { name, about, .. } in ALL {
        println!("{name:width$}  {about}");
    }
}

/// The scenario that a figure of that name is of.
///
/// # Panics
/// When there is none, or more than one: what the table shows could not be asked for by `--only`.
pub fn of_figure(name: &str) -> &'static Scenario {
    let is_of = |scenario: &&Scenario| scenario.figures.iter().any(|beginning| name.starts_with(beginning));
    let found: Vec<&'static Scenario> = ALL.iter().filter(is_of).collect();
    let [one] = *found else {
        panic!("“{name}” is a figure of {:?}", found.iter().map(|scenario| scenario.name).collect::<Vec<_>>());
    };
    one
}

/// A shop with a million events, shared by the scenarios that only read it.
async fn million_events(bench: &mut Bench) -> &Shop {
    if bench.million_events.is_none() {
        let shop = Shop::open(&bench.postgres(), &bench.orders).await;
        shop.fill(Until::Events(bench.options.scaled(MILLION)), USUAL).await;
        bench.million_events = Some(shop);
    }
    bench.million_events.as_ref().expect("it was just filled")
}

/// A shop with a million orders, three lines each, and its views.
async fn million_orders(bench: &mut Bench) -> &Shop {
    if bench.million_orders.is_none() {
        let shop = Shop::open(&bench.postgres(), &bench.orders).await;
        let mix = Mix { paid_of: 0, ..USUAL };
        shop.fill(Until::Orders(bench.options.scaled(MILLION)), mix).await;
        let mut projections = shop.projections();
        let took = shop.views_caught_up(Instant::now(), VIEWS_AT_MOST).await;
        eprintln!("    all views have them after {:.1} s", took.as_secs_f64());
        projections.sigterm();
        projections.wait().await;
        bench.million_orders = Some(shop);
    }
    bench.million_orders.as_ref().expect("it was just filled")
}

/// Who has its turn when, of so many in this round, the first of which is 1: each begins in its round, so that none
/// always comes behind the same other.
fn rotation(round: u32, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |nth| (nth + round as usize - 1) % contenders)
}

/// Orders per second, turn by turn.
fn rates(turns: &[Turn]) -> Vec<f64> {
    turns.iter().map(|turn| turn.per_second).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report;
    use std::collections::HashSet;

    #[test]
    fn each_row_of_the_documentation_is_of_one_scenario_and_each_scenario_has_rows() {
        let rows = report::documented();
        let named: HashSet<&str> = rows.iter().map(|row| of_figure(row).name).collect();
        for scenario in ALL {
            assert!(named.contains(scenario.name), "docs/PERFORMANCE.md has no figure of {}", scenario.name);
        }
    }

    #[test]
    fn each_contender_has_its_turn_and_each_comes_first_once() {
        let rounds = [1, 2, 3].map(|round| rotation(round, 3).collect::<Vec<_>>());
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
        assert_eq!(rotation(4, 3).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
