//! Given what happened to orders, then the totals.

use crate::history::{AnOrder, History, at, line, seconds, usd};
use crate::process::{Process, Running};
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::Money;
use projections::order_list::{self, Filter, Whose};
use projections::order_totals::{self, Days};
use testkit::Db;

const NAME: &str = "order_totals";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(from: &str, to: &str) -> Days {
    Days { from: Some(day(from)), to: Some(day(to)) }
}

/// Day, currency and (orders, revenue), placed and paid.
type DayRow = (String, (u64, String), (u64, String));

async fn by_day(process: &Process, range: Days) -> Vec<DayRow> {
    let page = order_totals::by_day(&process.views, range, None, 200).await.unwrap().value;
    let show = |amounts: order_totals::Amounts| (amounts.orders, amounts.revenue.to_string());
    page.rows.into_iter().map(|row| (row.day.to_string(), show(row.placed), show(row.paid))).collect()
}

/// Sku and (quantity, revenue), placed and paid.
async fn by_product(process: &Process, range: Days) -> Vec<DayRow> {
    let page = order_totals::by_product(&process.views, range, None, 200).await.unwrap().value;
    let show = |units: order_totals::Units| (units.quantity, units.revenue.to_string());
    page.rows.into_iter().map(|row| (row.sku.clone(), show(row.placed), show(row.paid))).collect()
}

fn row(key: &str, placed: (u64, &str), paid: (u64, &str)) -> DayRow {
    (key.to_owned(), (placed.0, placed.1.to_owned()), (paid.0, paid.1.to_owned()))
}

#[tokio::test]
async fn placed_counts_on_the_day_of_placing_and_paid_on_the_day_of_paying() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut paid = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2), line("CUP", usd("8.00"), 1)]);
    let unpaid = AnOrder::of("bob@example.com", vec![line("CUP", usd("9.00"), 1)]);
    history.append(paid.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(unpaid.placed(at("2026-03-01T23:59:59Z"))).await;
    process.catch_up(NAME).await;
    history.append(paid.payment(usd("33.00"), at("2026-03-03T10:00:00Z"))).await;
    process.catch_up(NAME).await;

    let nothing = (0, "0.00 USD");
    let (placed, paid) = ((2, "42.00 USD"), (1, "33.00 USD"));
    assert_eq!(
        by_day(&process, Days::default()).await,
        [row("2026-03-03", nothing, paid), row("2026-03-01", placed, nothing)],
        "the newest day first"
    );
    assert_eq!(by_day(&process, days("2026-03-01", "2026-03-03")).await, [row("2026-03-01", placed, nothing)]);
    assert_eq!(
        by_product(&process, Days::default()).await,
        [row("CUP", (2, "17.00 USD"), (1, "8.00 USD")), row("TEA", (2, "25.00 USD"), (2, "25.00 USD"))]
    );
    assert_eq!(
        by_product(&process, days("2026-03-02", "2026-03-04")).await,
        [row("CUP", nothing, (1, "8.00 USD")), row("TEA", nothing, (2, "25.00 USD"))]
    );
}

#[tokio::test]
async fn a_line_added_later_counts_on_the_day_of_its_order() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 1)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    history.append(order.item_added(line("CUP", usd("8.00"), 2), at("2026-03-05T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    assert_eq!(by_day(&process, Days::default()).await, [row("2026-03-01", (1, "28.50 USD"), (0, "0.00 USD"))]);
    assert_eq!(
        by_product(&process, days("2026-03-01", "2026-03-02")).await,
        [row("CUP", (2, "16.00 USD"), (0, "0.00 USD")), row("TEA", (1, "12.50 USD"), (0, "0.00 USD"))]
    );
}

#[tokio::test]
async fn days_are_the_shops() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let process = Process::open_in(&db, Tz::America__New_York).await;
    // On both sides of midnight in New York, which is at four o'clock UTC in July and at five in January.
    for time in ["2026-07-02T03:59:59Z", "2026-07-02T04:00:00Z", "2026-01-02T04:59:59Z", "2026-01-02T05:00:00Z"] {
        history.append(AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]).placed(at(time))).await;
    }
    process.catch_up(NAME).await;
    let seen: Vec<String> = by_day(&process, Days::default()).await.into_iter().map(|(day, _, _)| day).collect();
    assert_eq!(seen, ["2026-07-02", "2026-07-01", "2026-01-02", "2026-01-01"]);
}

/// Where clocks are put forward or back, a day has 23 hours or 25, and need not begin at midnight.
#[tokio::test]
async fn a_day_is_as_long_as_the_shops_clocks_make_it() {
    const BERLIN: Tz = Tz::Europe__Berlin;
    const SAO_PAULO: Tz = Tz::America__Sao_Paulo;
    for (zone, the_day, hours, begins, ends) in [
        (BERLIN, "2026-03-29", 23, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (BERLIN, "2026-10-25", 25, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        // Midnight did not exist: the day began at one o'clock.
        (SAO_PAULO, "2018-11-04", 23, "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
    ] {
        let db = Db::new().await;
        let (mut history, process) = (History::of(&db).await, Process::open_in(&db, zone).await);
        let (begins, ends) = (at(begins), at(ends));
        assert_eq!((ends - begins).num_hours(), hours);
        for time in [begins - seconds(1), begins, ends - seconds(1), ends] {
            let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
            history.append([order.placed(time), order.payment(usd("1.00"), time)].concat()).await;
        }
        process.catch_up(NAME).await;
        let range = Days { from: Some(day(the_day)), to: day(the_day).succ_opt() };
        let (one, two) = ((1, "1.00 USD"), (2, "2.00 USD"));
        assert_eq!(by_day(&process, range).await, [row(the_day, two, two)], "{zone}");
        assert_eq!(by_product(&process, range).await, [row("TEA", two, two)], "{zone}");
        let before = by_day(&process, Days { to: range.from, ..Days::default() }).await;
        let after = by_day(&process, Days { from: range.to, ..Days::default() }).await;
        assert_eq!(before, [row(&day(the_day).pred_opt().unwrap().to_string(), one, one)], "{zone}");
        assert_eq!(after, [row(&day(the_day).succ_opt().unwrap().to_string(), one, one)], "{zone}");
    }
}

#[tokio::test]
async fn currencies_are_kept_apart() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let yen = Money::parse("500", "JPY").unwrap();
    for price in [usd("12.50"), yen, yen] {
        let order = AnOrder::of("ada@example.com", vec![line("TEA", price, 1)]);
        history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    }
    process.catch_up(NAME).await;
    assert_eq!(
        by_day(&process, Days::default()).await,
        [row("2026-03-01", (2, "1000 JPY"), (0, "0 JPY")), row("2026-03-01", (1, "12.50 USD"), (0, "0.00 USD"))]
    );
    let page = order_totals::by_day(&process.views, Days::default(), None, 1).await.unwrap().value;
    let rest = order_totals::by_day(&process.views, Days::default(), page.next.as_ref(), 1).await.unwrap().value;
    assert_eq!(rest.rows[0].placed.revenue, usd("12.50"));
    assert!(rest.next.is_none());
    let page = order_totals::by_product(&process.views, Days::default(), None, 1).await.unwrap().value;
    let rest = order_totals::by_product(&process.views, Days::default(), page.next.as_ref(), 1).await.unwrap().value;
    assert_eq!(rest.rows[0].placed.revenue, usd("12.50"));
}

/// Sums that are already in are not added a second time, whoever sets the checkpoint back.
#[tokio::test]
async fn fed_twice_it_stops_and_counts_nothing_twice() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 1)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let once = by_day(&process, Days::default()).await;
    process.rewind(NAME).await;
    let error = process.run(NAME).ended().await.unwrap_err();
    assert!(error.to_string().starts_with("order_totals can't apply the events 1 to 2: "), "{error}");
    assert_eq!(by_day(&process, Days::default()).await, once);
}

/// The totals of days are the sums over the orders of those days in the list, at the same position.
#[tokio::test]
async fn the_sums_reconcile_with_the_list() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let start = at("2026-03-01T00:00:00Z");
    let mut orders = Vec::new();
    let running: Vec<Running> = [NAME, order_list_name()].map(|name| process.run(name)).into();
    for n in 0..40_u32 {
        let lines = vec![line("TEA", usd("12.50"), 1 + n % 3), line("CUP", usd("8.25"), 1 + n % 2)];
        let order = AnOrder::of("ada@example.com", lines);
        history.append(order.placed(start + chrono::TimeDelta::hours(i64::from(n) * 3))).await;
        orders.push(order);
    }
    for (n, order) in orders.iter_mut().enumerate() {
        let later = start + chrono::TimeDelta::hours(120 + n as i64);
        if n % 3 == 0 {
            history.append(order.item_added(line("POT", usd("30.00"), 1), later)).await;
        }
        if n % 2 == 0 {
            history.append(order.payment(order.total(), later)).await;
        }
    }
    for name in [NAME, order_list_name()] {
        process.caught_up(name).await;
    }
    for running in running {
        running.stop().await.unwrap();
    }
    for (from, to) in [("2026-03-01", "2026-03-02"), ("2026-03-02", "2026-03-05"), ("2026-01-01", "2027-01-01")] {
        let range = days(from, to);
        let totals = order_totals::by_day(&process.views, range, None, 200).await.unwrap().value.rows;
        let midnight = |day: &str| at(&format!("{day}T00:00:00Z"));
        let filter = Filter { placed_from: Some(midnight(from)), placed_to: Some(midnight(to)), ..Filter::default() };
        let listed = order_list::list(&process.views, Whose::All, &filter, None, 200).await.unwrap().value.rows;
        let sum = |of: Vec<Money>| of.into_iter().fold(usd("0.00"), |sum, money| sum.checked_add(money).unwrap());
        let placed = sum(totals.iter().map(|row| row.placed.revenue).collect());
        assert_eq!(placed, sum(listed.iter().map(|row| row.total).collect()), "{from} to {to}");
        assert_eq!(totals.iter().map(|row| row.placed.orders).sum::<u64>(), listed.len() as u64);
        let products = order_totals::by_product(&process.views, range, None, 200).await.unwrap().value.rows;
        assert_eq!(placed, sum(products.iter().map(|row| row.placed.revenue).collect()), "{from} to {to}");
    }
    let all = order_totals::by_day(&process.views, Days::default(), None, 200).await.unwrap().value.rows;
    assert_eq!(all.iter().map(|row| row.paid.orders).sum::<u64>(), 20);
}

fn order_list_name() -> &'static str {
    "order_list"
}
