//! Given what happened to orders, then what was sold, and how long payments took.

use crate::history::{AnOrder, History, at, line, usd};
use crate::process::Process;
use chrono_tz::Tz;
use domain::Money;
use domain::order::PaymentConflict;
use domain::text::{City, Country};
use projections::order_totals::{Amounts, Units};
use projections::sales::{self, DayRange, Ranked, Ranking, Side, Things};
use std::sync::Arc;
use testkit::Db;

const NAME: &str = "sales";

fn range(from: &str, to: &str) -> DayRange {
    DayRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

fn sent_to(city: &str, country: Option<&str>, lines: Vec<domain::order::Line>) -> AnOrder {
    let mut order = AnOrder::of("ada@example.com", lines);
    let to = Arc::make_mut(&mut order.customer).shipping_address.as_mut().unwrap();
    (to.city, to.country) = (City::parse(city).unwrap(), country.map(|country| Country::parse(country).unwrap()));
    order
}

fn sent_nowhere(lines: Vec<domain::order::Line>) -> AnOrder {
    let mut order = AnOrder::of("ada@example.com", lines);
    Arc::make_mut(&mut order.customer).shipping_address = None;
    order
}

/// What is counted by, how many and how much, placed and paid.
type Row = (String, (u64, String), (u64, String));

fn row(key: &str, placed: (u64, &str), paid: (u64, &str)) -> Row {
    (key.to_owned(), (placed.0, placed.1.to_owned()), (paid.0, paid.1.to_owned()))
}

fn amounts(amounts: Amounts) -> (u64, String) {
    (amounts.orders, amounts.revenue.to_string())
}

fn units(units: Units) -> (u64, String) {
    (units.quantity, units.revenue.to_string())
}

async fn by_day(process: &Process, range: DayRange) -> Vec<Row> {
    let rows = sales::by_day(&process.views, range).await.unwrap().value;
    rows.into_iter().map(|row| (row.day.to_string(), amounts(row.placed), amounts(row.paid))).collect()
}

async fn by_product(process: &Process, range: DayRange, limit: u32) -> Vec<Row> {
    let rows = sales::by_product(&process.views, range, limit).await.unwrap().value;
    rows.into_iter().map(|row| (format!("{} {}", row.sku, row.name), units(row.placed), units(row.paid))).collect()
}

async fn by_city(process: &Process, range: DayRange, limit: u32) -> Vec<Row> {
    let rows = sales::by_city(&process.views, range, limit).await.unwrap().value;
    rows.into_iter().map(|row| (row.city, amounts(row.placed), amounts(row.paid))).collect()
}

/// How many orders were paid within so many seconds, and how many milliseconds they took together; spans without any
/// left out.
async fn times(process: &Process, range: DayRange) -> Vec<(Option<u32>, u64, u64)> {
    let times = sales::payment_times(&process.views, range).await.unwrap().value;
    let some = times.into_iter().filter(|time| time.orders > 0);
    some.map(|time| (time.span.within_s(), time.orders, time.waited_ms)).collect()
}

#[tokio::test]
async fn what_was_sold_is_counted_by_day_product_and_city() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut paid = sent_to("London", None, vec![line("TEA", usd("12.50"), 2), line("CUP", usd("8.00"), 1)]);
    let unpaid = sent_to("LONDON", None, vec![line("CUP", usd("9.00"), 1)]);
    let elsewhere = sent_to("London", Some("CA"), vec![line("TEA", usd("12.50"), 1)]);
    history.append(paid.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(unpaid.placed(at("2026-03-01T23:59:59Z"))).await;
    process.catch_up(NAME).await;
    history.append(elsewhere.placed(at("2026-03-02T00:00:00Z"))).await;
    history.append(sent_nowhere(vec![line("TEA", usd("1.00"), 1)]).placed(at("2026-03-02T00:00:00Z"))).await;
    history.append(paid.payment(usd("33.00"), at("2026-03-03T10:00:00Z"))).await;
    process.catch_up(NAME).await;

    let (nothing, all) = ((0, "0.00 USD"), range("2026-03-01", "2026-03-04"));
    assert_eq!(
        by_day(&process, all).await,
        [
            row("2026-03-01", (2, "42.00 USD"), nothing),
            row("2026-03-02", (2, "13.50 USD"), nothing),
            row("2026-03-03", nothing, (1, "33.00 USD")),
        ]
    );
    assert_eq!(
        by_product(&process, all, 10).await,
        [row("TEA The TEA", (4, "38.50 USD"), (2, "25.00 USD")), row("CUP The CUP", (2, "17.00 USD"), (1, "8.00 USD"))]
    );
    assert_eq!(
        by_city(&process, all, 10).await,
        [
            row("London", (2, "42.00 USD"), (1, "33.00 USD")),
            row("London, CA", (1, "12.50 USD"), nothing),
            row("", (1, "1.00 USD"), nothing),
        ]
    );
    assert_eq!(by_city(&process, all, 1).await.len(), 1);
    let first = range("2026-03-01", "2026-03-02");
    assert_eq!(by_city(&process, first, 10).await, [row("London", (2, "42.00 USD"), nothing)]);
    assert_eq!(by_day(&process, range("2026-04-01", "2026-04-02")).await, []);
}

#[tokio::test]
async fn the_time_of_payment_is_counted_on_the_day_of_placing() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let order = || AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
    let placed = at("2026-03-01T10:00:00Z");
    for (waits, apart) in
        [("2026-03-01T10:00:30Z", false), ("2026-03-04T09:00:00Z", true), ("2026-03-01T09:59:00Z", false)]
    {
        let mut order = order();
        history.append(order.placed(placed)).await;
        if apart {
            process.catch_up(NAME).await;
        }
        history.append(order.payment(usd("1.00"), at(waits))).await;
    }
    history.append(order().placed(placed)).await;
    process.catch_up(NAME).await;
    // One paid before it was placed, as clocks of two machines would have it: it took no time.
    assert_eq!(
        times(&process, range("2026-03-01", "2026-03-02")).await,
        [(Some(60), 2, 30_000), (Some(259_200), 1, 255_600_000)]
    );
    assert_eq!(times(&process, range("2026-03-02", "2026-03-05")).await, []);
}

#[tokio::test]
async fn a_line_added_later_counts_for_the_day_and_the_city_of_its_order() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut order = sent_to("Bath", None, vec![line("TEA", usd("12.50"), 1)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(order.item_added(line("CUP", usd("8.00"), 1), at("2026-03-05T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    history.append(order.item_added(line("CUP", usd("8.00"), 1), at("2026-03-06T10:00:00Z"))).await;
    process.catch_up(NAME).await;
    let (nothing, first) = ((0, "0.00 USD"), range("2026-03-01", "2026-03-02"));
    assert_eq!(by_day(&process, first).await, [row("2026-03-01", (1, "28.50 USD"), nothing)]);
    assert_eq!(by_city(&process, first, 10).await, [row("Bath", (1, "28.50 USD"), nothing)]);
    assert_eq!(
        by_product(&process, first, 10).await,
        [row("CUP The CUP", (2, "16.00 USD"), nothing), row("TEA The TEA", (1, "12.50 USD"), nothing)]
    );
}

#[tokio::test]
async fn currencies_and_days_of_the_shop_are_kept_apart() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let process = Process::open_in(&db, Tz::America__New_York).await;
    let yen = Money::parse("500", "JPY").unwrap();
    for (price, time) in
        [(usd("1.00"), "2026-07-02T03:59:59Z"), (yen, "2026-07-02T04:00:00Z"), (usd("2.00"), "2026-07-02T04:00:00Z")]
    {
        history.append(AnOrder::of("ada@example.com", vec![line("TEA", price, 1)]).placed(at(time))).await;
    }
    process.catch_up(NAME).await;
    let all = range("2026-07-01", "2026-07-03");
    assert_eq!(
        by_day(&process, all).await,
        [
            row("2026-07-01", (1, "1.00 USD"), (0, "0.00 USD")),
            row("2026-07-02", (1, "500 JPY"), (0, "0 JPY")),
            row("2026-07-02", (1, "2.00 USD"), (0, "0.00 USD")),
        ]
    );
    let products: Vec<_> = by_product(&process, all, 1).await.into_iter().map(|(_, placed, _)| placed).collect();
    assert_eq!(products, [(1, "500 JPY".to_owned()), (2, "3.00 USD".to_owned())], "one of each currency");
}

#[tokio::test]
async fn a_ranking_tells_what_all_came_to_however_little_is_listed() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut paid = sent_to("London", None, vec![line("TEA", usd("12.50"), 2), line("CUP", usd("8.00"), 1)]);
    let unpaid = sent_to("Bath", None, vec![line("POT", usd("40.00"), 1)]);
    history.append(paid.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(paid.payment(paid.total(), at("2026-03-01T11:00:00Z"))).await;
    history.append(unpaid.placed(at("2026-03-01T12:00:00Z"))).await;
    process.catch_up(NAME).await;
    let day = range("2026-03-01", "2026-03-02");
    let first = async |things, side| {
        let rankings = sales::ranking(&process.views, things, side, day, 1).await.unwrap().value;
        let [Ranking { listed, all }] = rankings.as_slice() else { panic!("{rankings:?}") };
        let [Ranked { label, count, revenue }] = listed.as_slice() else { panic!("{listed:?}") };
        let all = (all.things, all.count, all.revenue.unwrap().to_string());
        ((label.clone(), *count, revenue.to_string()), all)
    };
    let is = |label: &str, count, amount: &str| (label.to_owned(), count, amount.to_owned());
    let all = |things, count, amount: &str| (things, count, amount.to_owned());
    let (label, count, revenue) = first(Things::Products, Side::Placed).await.0;
    assert_eq!((count, revenue.as_str()), (1, "40.00 USD"), "{label}");
    assert_eq!(first(Things::Products, Side::Placed).await.1, all(3, 4, "73.00 USD"));
    assert_eq!(first(Things::Products, Side::Paid).await.1, all(2, 3, "33.00 USD"), "what is not paid is none of it");
    assert_eq!(first(Things::Cities, Side::Placed).await, (is("Bath", 1, "40.00 USD"), all(2, 2, "73.00 USD")));
    assert_eq!(first(Things::Cities, Side::Paid).await, (is("London", 1, "33.00 USD"), all(1, 1, "33.00 USD")));
    let nothing =
        sales::ranking(&process.views, Things::Cities, Side::Paid, range("2026-04-01", "2026-04-02"), 1).await;
    assert_eq!(nothing.unwrap().value, []);
}

/// What a product or a place is called does not hang on how the log was cut into batches.
#[tokio::test]
async fn a_rebuild_gives_the_same_names() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let named = |name: &str| domain::order::Line {
        name: domain::text::ProductName::parse(name).unwrap(),
        ..line("CUP", usd("1.00"), 1)
    };
    let time = at("2026-03-01T10:00:00Z");
    let mut early = sent_to("bath", None, vec![line("TEA", usd("1.00"), 1)]);
    history.append(early.placed(time)).await;
    process.catch_up(NAME).await;
    history.append(early.item_added(named("An old name"), time)).await;
    history.append(sent_to("Bath", None, vec![named("A new name")]).placed(time)).await;
    process.catch_up(NAME).await;
    let live = process.active_schema(NAME).await;
    process.rebuild(NAME).await.unwrap();
    let rebuilt = process.active_schema(NAME).await;
    assert_eq!(process.rows(&format!("{live}.sold")).await, process.rows(&format!("{rebuilt}.sold")).await);
    let day = range("2026-03-01", "2026-03-02");
    let names: Vec<_> = by_product(&process, day, 10).await.into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names, ["CUP An old name", "TEA The TEA"]);
    assert_eq!(by_city(&process, day, 10).await[0].0, "bath");
}

/// What was taken back by day: how many times, and how much.
async fn taken_back(process: &Process, range: DayRange) -> Vec<(String, u64, String)> {
    let rows = sales::by_day(&process.views, range).await.unwrap().value;
    let rows = rows.into_iter().filter(|row| row.taken_back.payments > 0);
    rows.map(|row| (row.day.to_string(), row.taken_back.payments, row.taken_back.amount.to_string())).collect()
}

#[tokio::test]
async fn what_a_provider_takes_back_counts_on_its_day_and_leaves_what_was_paid_gross() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 2)]);
    history.append(order.placed(at("2026-03-01T10:00:00Z"))).await;
    history.append(order.payment(usd("25.00"), at("2026-03-01T11:00:00Z"))).await;
    process.catch_up(NAME).await;
    for (amount, conflict, time) in [
        (usd("5.00"), PaymentConflict::Refunded, "2026-03-02T10:00:00Z"),
        (usd("20.00"), PaymentConflict::Reversed, "2026-03-02T11:00:00Z"),
        (usd("25.00"), PaymentConflict::Denied, "2026-03-03T10:00:00Z"),
        // Nothing that was counted.
        (usd("9.00"), PaymentConflict::AboveBalance, "2026-03-03T11:00:00Z"),
        (Money::parse("500", "JPY").unwrap(), PaymentConflict::OtherCurrency, "2026-03-03T12:00:00Z"),
    ] {
        history.append(order.taken_back(amount, conflict, at(time))).await;
    }
    process.catch_up(NAME).await;
    let all = range("2026-03-01", "2026-03-04");
    let back = |day: &str, payments, amount: &str| (day.to_owned(), payments, amount.to_owned());
    let expected = [back("2026-03-02", 2, "25.00 USD"), back("2026-03-03", 1, "25.00 USD")];
    assert_eq!(taken_back(&process, all).await, expected);
    let nothing = (0, "0.00 USD");
    assert_eq!(
        by_day(&process, all).await,
        [
            row("2026-03-01", (1, "25.00 USD"), (1, "25.00 USD")),
            row("2026-03-02", nothing, nothing),
            row("2026-03-03", nothing, nothing),
        ]
    );
    process.rebuild(NAME).await.unwrap();
    assert_eq!(taken_back(&process, all).await, expected);
}

/// The day on which clocks are put forward has 23 hours in Berlin, and that on which they are put back 25.
#[tokio::test]
async fn days_on_which_clocks_change_are_counted_whole() {
    let db = Db::new().await;
    let mut history = History::of(&db).await;
    let process = Process::open_in(&db, Tz::Europe__Berlin).await;
    let times = [
        // The last moment of the day before, the first and the last of the short day, the first of the day behind.
        ("2026-03-28T22:59:59Z", "2026-03-28"),
        ("2026-03-28T23:00:00Z", "2026-03-29"),
        ("2026-03-29T21:59:59Z", "2026-03-29"),
        ("2026-03-29T22:00:00Z", "2026-03-30"),
        // The same of the long one, with both of its hours after two.
        ("2026-10-24T21:59:59Z", "2026-10-24"),
        ("2026-10-24T22:00:00Z", "2026-10-25"),
        ("2026-10-25T00:30:00Z", "2026-10-25"),
        ("2026-10-25T01:30:00Z", "2026-10-25"),
        ("2026-10-25T22:59:59Z", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"),
    ];
    for (time, _) in times {
        let mut order = AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
        history.append(order.placed(at(time))).await;
        history.append(order.payment(usd("1.00"), at(time))).await;
        history.append(order.taken_back(usd("1.00"), PaymentConflict::Refunded, at(time))).await;
    }
    process.catch_up(NAME).await;
    let mut expected: Vec<Row> = Vec::new();
    for (_, day) in times {
        match expected.last_mut().filter(|row| row.0 == day) {
            Some((_, placed, _)) => placed.0 += 1,
            None => expected.push(row(day, (1, ""), (0, ""))),
        }
    }
    for (_, placed, paid) in &mut expected {
        placed.1 = format!("{}.00 USD", placed.0);
        *paid = placed.clone();
    }
    let all = range("2026-03-28", "2026-10-27");
    assert_eq!(by_day(&process, all).await, expected);
    let backs: Vec<_> = taken_back(&process, all).await.into_iter().map(|(day, count, _)| (day, count)).collect();
    assert_eq!(backs, expected.into_iter().map(|(day, (count, _), _)| (day, count)).collect::<Vec<_>>());
    assert_eq!(process.views.time_zone_of::<sales::Sales>().await.unwrap(), Tz::Europe__Berlin);
}
