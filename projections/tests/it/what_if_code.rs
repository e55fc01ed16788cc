//! History through other code, held against what serves.

use crate::history::{AnOrder, History, at, line, usd};
use crate::process::{BOUND, Process};
use crate::what_if::{a_shop, all_there_is, schemas, shift};
use chrono_tz::Tz;
use commands::verify::{Stopped, Watch};
use domain::order::OrderEvent;
use domain::{Event, Position, Recorded};
use projections::order_list::OrderList;
use projections::order_totals::OrderTotals;
use projections::what_if::{self, Report, Served, Space, WhatIfError};
use projections::{Definition, Projection, ProjectionError, Settings, ViewTransaction, Views, Wants};
use testkit::{Db, eventually};
use tokio_util::sync::CancellationToken;

/// A next version in which neither a line that is added later nor an order of less than a dollar counts.
struct Next<P>(P);

/// The list and the totals of a next release.
static NEXT: &[Definition] = &[Definition::of::<Next<OrderList>>(), Definition::of::<Next<OrderTotals>>()];

impl<P: Projection> Projection for Next<P> {
    const NAME: &'static str = P::NAME;
    const VERSION: u32 = P::VERSION + 1;
    const TABLES: &'static str = P::TABLES;
    const WANTS: Wants = P::WANTS;
    const USES_TIME_ZONE: bool = P::USES_TIME_ZONE;

    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let counts = |event: &Event| match event {
            Event::Order(OrderEvent::ItemAdded(_)) => false,
            Event::Order(OrderEvent::OrderPlaced(placed)) => placed.total.amount() >= usd("1").amount(),
            _ => true,
        };
        let kept: Vec<_> = batch.iter().copied().filter(|recorded| counts(&recorded.event)).collect();
        P::apply(&kept, view).await
    }
}

/// The views of a process that has the next release's code.
fn next(process: &Process) -> Views {
    Views::of(process.log.clone(), Settings { time_zone: Tz::UTC }, NEXT)
}

async fn run(process: &Process, views: &Views, keep: bool) -> Result<Report, WhatIfError> {
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 9, cancel: &cancel, progress: &mut |_| () };
    let mut space = Space::open(process.pool(), "code", keep).await?;
    match what_if::run_code(views, &mut space, &mut watch).await {
        Ok(report) => space.close("next").await.map(|()| report),
        Err(error) => space.abandon().await.and(Err(error)),
    }
}

fn differences(report: &Report) -> [u64; 3] {
    [report.days.count(), report.products.count(), report.orders.count()]
}

/// Two orders, and a sample that is given away for next to nothing.
async fn a_shop_with_a_sample(history: &mut History) -> [AnOrder; 3] {
    let [first, second] = a_shop(history).await;
    let sample = AnOrder::of("max@example.com", vec![line("SAMPLE", usd("0.50"), 1)]);
    history.append(sample.placed(at("2026-03-04T10:00:00Z"))).await;
    [first, second, sample]
}

async fn serve(process: &Process) -> [Position; 2] {
    [process.catch_up(OrderList::NAME).await, process.catch_up(OrderTotals::NAME).await]
}

#[tokio::test]
async fn other_code_is_told_by_day_product_and_order() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let [_, second, sample] = a_shop_with_a_sample(&mut history).await;
    serve(&process).await;
    let report = run(&process, &next(&process), false).await.unwrap();

    let none = shift(usd("0"), usd("0"));
    let late = shift(usd("29.16"), usd("12.50"));
    let given_away = shift(usd("0.50"), usd("0"));
    let [sums] = &report.sums[..] else { panic!("{:?}", report.sums) };
    assert_eq!((sums.orders, sums.changed_orders), (3, 2));
    assert_eq!(sums.placed, shift(usd("75.49"), usd("58.33")));
    assert_eq!(sums.paid, shift(usd("45.83"), usd("45.83")));
    let days: Vec<_> = report.days.listed().iter().map(|day| (day.day.to_string(), day.placed, day.paid)).collect();
    assert_eq!(days, [("2026-03-03".to_owned(), late, none), ("2026-03-04".to_owned(), given_away, none)]);
    let products: Vec<_> = report.products.listed().iter().map(|row| (&*row.sku, row.quantity, row.placed)).collect();
    assert_eq!(products, [("CUP", 3, shift(usd("24.99"), usd("8.33"))), ("SAMPLE", 1, given_away)]);
    let orders: Vec<_> = report.orders.listed().iter().map(|order| (order.id.0, order.total, order.paid)).collect();
    // The sample is not placed at all.
    assert_eq!(orders, [(second.id, late, none), (sample.id, given_away, none)]);
    assert_eq!(schemas(&process).await, Vec::<String>::new(), "nothing is left");
}

#[tokio::test]
async fn each_view_is_compared_at_its_own_position_with_the_settings_that_it_has() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open_in(&db, Tz::Europe__Berlin).await);
    let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 3)]);
    // Another day in Berlin.
    history.append(order.placed(at("2026-03-01T23:30:00Z"))).await;
    let [_, totals] = serve(&process).await;
    history.append(order.payment(order.total(), at("2026-03-02T10:00:00Z"))).await;
    let list = process.catch_up(OrderList::NAME).await;
    history.append(order.flagged(at("2026-03-03T10:00:00Z"))).await;

    let of_utc = Views::new(process.log.clone(), Settings { time_zone: Tz::UTC });
    let report = run(&process, &of_utc, false).await.unwrap();
    assert_eq!(differences(&report), [0; 3], "{report:?}");
    assert!(totals < list && report.position == list, "{totals} {list} {}", report.position);
    let served = |name, build: &str, version, position| {
        let build = build.to_owned();
        Served { name, build, version, own_version: version, position }
    };
    let expected =
        [served("order_list", "order_list_v3_1", 3, list), served("order_totals", "order_totals_v1_1", 1, totals)];
    assert_eq!(report.served, expected);

    sqlx::query("UPDATE order_list_v3_1.orders SET paid = false").execute(&db.superuser_pool().await).await.unwrap();
    let report = run(&process, &of_utc, false).await.unwrap();
    assert_eq!(differences(&report), [0, 0, 1]);
    let unpaid = &report.orders.listed()[0];
    assert_eq!((unpaid.total.difference(), unpaid.paid), (usd("0").amount(), shift(usd("0"), usd("37.50"))));
}

#[tokio::test]
async fn nothing_else_is_touched_and_what_is_kept_can_be_looked_at() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop_with_a_sample(&mut history).await;
    serve(&process).await;
    let before = all_there_is(&db).await;
    run(&process, &next(&process), true).await.unwrap();
    assert_eq!(all_there_is(&db).await, before);
    assert_eq!(schemas(&process).await, ["_what_if_code_if", "_what_if_code_was"]);
    for (schema, orders) in [("was", 3), ("if", 2)] {
        assert_eq!(process.rows(&format!("_what_if_code_{schema}.orders")).await.len(), orders);
    }
    what_if::drop_named(process.pool(), "code").await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_compared_is_refused_and_leaves_nothing() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    process.catch_up(OrderList::NAME).await;
    let refused = run(&process, &next(&process), false).await.unwrap_err();
    assert!(matches!(refused, WhatIfError::NotBuilt("order_totals")), "{refused}");

    serve(&process).await;
    let tamper = db.superuser_pool().await;
    sqlx::raw_sql(
        "ALTER TABLE order_list_v3_1.orders RENAME total TO sum; ALTER TABLE order_totals_v1_1.days RENAME TO dates",
    )
    .execute(&tamper)
    .await
    .unwrap();
    let refused = run(&process, &next(&process), false).await.unwrap_err().to_string();
    assert!(refused.starts_with("what serves has no orders.total, days.day, days.currency, "), "{refused}");
    assert_eq!(schemas(&process).await, Vec::<String>::new());
}

/// Whatever statement it is at: a copy may take minutes.
#[tokio::test]
async fn a_run_is_cut_off_in_the_midst_of_a_statement_and_leaves_nothing() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    serve(&process).await;
    let pool = db.superuser_pool().await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE order_list_v3_1.orders").execute(&mut *holder).await.unwrap();
    let (views, cancel) = (next(&process), CancellationToken::new());
    let run_until_cancelled = async {
        let mut watch = Watch { most_listed: 9, cancel: &cancel, progress: &mut |_| () };
        let mut space = Space::open(process.pool(), "code", false).await.unwrap();
        let outcome = what_if::run_code(&views, &mut space, &mut watch).await;
        space.abandon().await.unwrap();
        outcome
    };
    let copies =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let stop = async {
        let copying = async || sqlx::query_scalar::<_, i64>(copies).fetch_one(&pool).await.unwrap() == 1;
        eventually("it copies", BOUND, copying).await;
        cancel.cancel();
    };
    let both = async { tokio::join!(run_until_cancelled, stop).0 };
    let ended = tokio::time::timeout(BOUND, both).await.expect("it ends");
    assert!(matches!(ended, Err(WhatIfError::Stopped(Stopped))), "{ended:?}");
    assert_eq!(schemas(&process).await, Vec::<String>::new());
    holder.rollback().await.unwrap();
    assert_eq!(run(&process, &process.views, false).await.map(|report| differences(&report)).unwrap(), [0; 3]);
}
