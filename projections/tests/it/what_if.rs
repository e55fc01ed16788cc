//! History with other prices: what differs is exact, and nothing else is touched.

use crate::history::{AnOrder, History, at, line, many_orders, seconds, usd};
use crate::process::{BOUND, Process};
use chrono::NaiveDate;
use chrono_tz::Tz;
use commands::verify::{Progress, Stopped, Watch};
use domain::{Money, Sku};
use projections::order_totals::Days;
use projections::what_if::{self, PriceChange, PriceChangeError, Report, Shift, Space, WhatIfError};
use rust_decimal::Decimal;
use sqlx::Row;
use std::collections::BTreeMap;
use testkit::{Db, eventually};
use tokio_util::sync::CancellationToken;

const START: &str = "2026-03-01T10:00:00Z";
const DAY: i64 = 86_400;

fn change(factor: &str, skus: &[&str], from: Option<&str>, to: Option<&str>) -> PriceChange {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let skus = skus.iter().map(|sku| Sku::parse(sku).unwrap()).collect();
    PriceChange::new(factor.parse().unwrap(), skus, Days { from: from.map(day), to: to.map(day) }).unwrap()
}

async fn run(process: &Process, space: &mut Space, change: &PriceChange) -> Result<Report, WhatIfError> {
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 3, cancel: &cancel, progress: &mut |_| () };
    what_if::run(&process.log, space, Tz::UTC, change, &mut watch).await
}

async fn report(process: &Process, change: &PriceChange) -> Report {
    let mut space = Space::open(process.pool(), "test", false).await.unwrap();
    let report = run(process, &mut space, change).await.unwrap();
    space.close("").await.unwrap();
    assert_eq!(schemas(process).await, Vec::<String>::new(), "nothing is left");
    report
}

pub async fn schemas(process: &Process) -> Vec<String> {
    let sql = "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname::text, '_what_if_') ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(process.pool()).await.unwrap()
}

pub fn shift(was: Money, becomes: Money) -> Shift {
    Shift { was, becomes }
}

/// Tea and a cup on the first day, paid on the second; tea alone on the third, to which a cup comes on the fifth.
pub async fn a_shop(history: &mut History) -> [AnOrder; 2] {
    let start = at(START);
    let mut first = AnOrder::of("ada@example.com", vec![line("TEA", usd("12.50"), 3), line("CUP", usd("8.33"), 1)]);
    history.append(first.placed(start)).await;
    history.append(first.payment(first.total(), start + seconds(DAY))).await;
    let mut second = AnOrder::of("zoe@example.com", vec![line("TEA", usd("12.50"), 1)]);
    history.append(second.placed(start + seconds(2 * DAY))).await;
    history.append(second.item_added(line("CUP", usd("8.33"), 2), start + seconds(4 * DAY))).await;
    history.append(second.corrected("zoe@example.org", start + seconds(5 * DAY))).await;
    [first, second]
}

#[tokio::test]
async fn dearer_prices_are_told_by_day_product_and_order() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let [first, second] = a_shop(&mut history).await;
    let report = report(&process, &change("1.05", &[], None, None)).await;

    // 12.50 is 13.125, so 13.13; 8.33 is 8.7465, so 8.75. A price is rounded, not a sum.
    let (was, becomes) = (usd("45.83"), usd("48.14"));
    let [sums] = &report.sums[..] else { panic!("{:?}", report.sums) };
    assert_eq!((sums.orders, sums.changed_orders), (2, 2));
    assert_eq!(sums.placed, shift(usd("74.99"), usd("78.77")));
    assert_eq!(sums.paid, shift(was, becomes));
    assert_eq!(sums.paid.difference(), "2.31".parse::<Decimal>().unwrap());
    let days: Vec<_> = report.days.listed().iter().map(|day| (day.day.to_string(), day.placed, day.paid)).collect();
    let none = shift(usd("0"), usd("0"));
    assert_eq!(
        days,
        [
            ("2026-03-01".to_owned(), shift(was, becomes), none),
            ("2026-03-02".to_owned(), none, shift(was, becomes)),
            // The cup of the fifth day counts on the day of the order.
            ("2026-03-03".to_owned(), shift(usd("29.16"), usd("30.63")), none),
        ]
    );
    let products: Vec<_> = report.products.listed().iter().map(|row| (&*row.sku, row.quantity, row.placed)).collect();
    let cups = ("CUP", 3, shift(usd("24.99"), usd("26.25")));
    assert_eq!(products, [cups, ("TEA", 4, shift(usd("50.00"), usd("52.52")))]);
    let orders: Vec<_> = report.orders.listed().iter().map(|order| (order.id.0, order.total)).collect();
    let other = shift(usd("29.16"), usd("30.63"));
    assert_eq!(orders, [(first.id, shift(was, becomes)), (second.id, other)]);
    let paid: Vec<_> = report.orders.listed().iter().map(|order| order.paid).collect();
    assert_eq!(paid, [shift(was, becomes), none]);
    assert!(report.served.is_empty());
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 1, cancel: &cancel, progress: &mut |_| () };
    let mut space = Space::open(process.pool(), "test", false).await.unwrap();
    let dearer = change("1.05", &[], None, None);
    let report = what_if::run(&process.log, &mut space, Tz::UTC, &dearer, &mut watch).await.unwrap();
    space.close("").await.unwrap();
    let listed: Vec<_> = report.orders.listed().iter().map(|order| order.id.0).collect();
    assert_eq!((listed, report.orders.count()), (vec![first.id], 2), "the first are listed, and all are counted");
}

#[tokio::test]
async fn products_and_days_may_be_named_and_an_order_is_meant_whole() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let [first, second] = a_shop(&mut history).await;
    let orders = async |change: PriceChange| {
        let report = report(&process, &change).await;
        let shift = |id| report.orders.listed().iter().find(|order| order.id.0 == id).map(|order| order.total.becomes);
        (shift(first.id), shift(second.id))
    };
    assert_eq!(orders(change("2", &["CUP"], None, None)).await, (Some(usd("54.16")), Some(usd("45.82"))));
    // A line that comes later is of the order's own day.
    assert_eq!(orders(change("2", &[], Some("2026-03-02"), None)).await, (None, Some(usd("58.32"))));
    assert_eq!(orders(change("2", &[], Some("2026-03-05"), None)).await, (None, None));
    assert_eq!(orders(change("0.5", &["TEA"], None, Some("2026-03-02"))).await, (Some(usd("27.08")), None));
    let unchanged = report(&process, &change("1.00", &[], None, None)).await;
    assert_eq!((unchanged.days.count(), unchanged.products.count(), unchanged.orders.count()), (0, 0, 0));
}

/// Many batches: orders of which lines come long after.
#[tokio::test]
async fn what_was_placed_in_earlier_batches_is_known() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let mut early = AnOrder::of("ada@example.com", vec![line("TEA", usd("1.00"), 1)]);
    history.append(early.placed(at(START))).await;
    let orders = many_orders(6_000);
    for some in orders.chunks(1_000) {
        history.append(some.iter().flat_map(|order| order.placed(at(START) + seconds(3 * DAY))).collect()).await;
    }
    history.append(early.item_added(line("CUP", usd("2.00"), 1), at(START) + seconds(4 * DAY))).await;
    history.append(early.payment(early.total(), at(START) + seconds(4 * DAY))).await;
    let report = report(&process, &change("3", &[], None, Some("2026-03-02"))).await;
    let [sums] = &report.sums[..] else { panic!("{:?}", report.sums) };
    assert_eq!((sums.orders, sums.changed_orders), (6_001, 1));
    assert_eq!(sums.paid, shift(usd("3.00"), usd("9.00")));
    assert_eq!(report.orders.listed()[0].total, shift(usd("3.00"), usd("9.00")));
    assert_eq!(report.position.0, 12_005);
}

/// Every table's rows, and every right that anybody has.
pub async fn all_there_is(db: &Db) -> BTreeMap<String, String> {
    let pool = db.superuser_pool().await;
    let tables = sqlx::query(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, c.relacl::text AS rights,
                n.nspacl::text AS schema_rights
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
            AND NOT starts_with(n.nspname::text, '_what_if_') AND c.relkind IN ('r', 'S', 'i', 'v')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let text = |column: &str| table.get::<Option<String>, _>(column).unwrap_or_default();
        let (schema, name) = (text("schema"), text("name"));
        let mut is = format!("{} {} {}", text("kind"), text("rights"), text("schema_rights"));
        // What a sequence holds is no row of a type.
        let content = match &*text("kind") {
            "r" => "count(*)::text || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), ''))",
            "S" => "last_value::text || is_called::text",
            _ => "",
        };
        if !content.is_empty() {
            let sql = format!(r#"SELECT {content} FROM {schema}."{name}" AS t"#);
            is += &sqlx::query_scalar::<_, String>(&sql).fetch_one(&pool).await.unwrap();
        }
        all.insert(format!("{schema}.{name}"), is);
    }
    let roles = "SELECT rolname::text, (r.*)::text || coalesce((SELECT string_agg(m::text, ',' ORDER BY m::text)
                   FROM pg_auth_members AS m WHERE m.member = r.oid), '') FROM pg_roles AS r
                 UNION ALL SELECT datname::text, datacl::text FROM pg_database WHERE datname = current_database()";
    let roles: Vec<(String, Option<String>)> = sqlx::query_as(roles).fetch_all(&pool).await.unwrap();
    all.extend(roles.into_iter().map(|(name, is)| (format!("role {name}"), is.unwrap_or_default())));
    all
}

#[tokio::test]
async fn nothing_else_is_touched() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    for name in projections::Views::names() {
        process.catch_up(name).await;
    }
    let before = all_there_is(&db).await;
    assert!(before.contains_key("public.events") && before.len() > 50, "{:?}", before.keys());
    report(&process, &change("1.05", &[], None, None)).await;
    let mut space = Space::open(process.pool(), "kept", true).await.unwrap();
    run(&process, &mut space, &change("1.05", &[], None, None)).await.unwrap();
    space.close("prices times 1.05").await.unwrap();
    assert_eq!(all_there_is(&db).await, before);
}

#[tokio::test]
async fn a_run_that_is_kept_can_be_looked_at_listed_and_dropped() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    let pool = process.pool();
    let mut space = Space::open(pool, "dearer", true).await.unwrap();
    run(&process, &mut space, &change("1.05", &[], None, None)).await.unwrap();
    assert!(matches!(Space::open(pool, "dearer", true).await, Err(WhatIfError::UnderWay(name)) if name == "dearer"));
    assert!(matches!(what_if::drop_named(pool, "dearer").await, Err(WhatIfError::UnderWay(_))));
    space.close("it's dearer").await.unwrap();
    assert_eq!(schemas(&process).await, ["_what_if_dearer_if", "_what_if_dearer_was"]);
    let total: Decimal =
        sqlx::query_scalar("SELECT sum(total) FROM _what_if_dearer_if.orders").fetch_one(pool).await.unwrap();
    assert_eq!(total, "78.77".parse().unwrap());
    let kept = what_if::list(pool).await.unwrap();
    assert_eq!((kept.len(), &*kept[0].name, kept[0].about.as_deref()), (1, "dearer", Some("it's dearer")));
    assert!(kept[0].bytes > 0);
    let released = eventually("the name is free", BOUND, async || match Space::open(pool, "dearer", false).await {
        Err(WhatIfError::Kept { about, .. }) => Ok(about),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(released.await, "it's dearer");
    // Another run leaves it alone.
    report_of_another(&process).await;
    assert_eq!(what_if::list(pool).await.unwrap().len(), 1);
    eventually("it is dropped", BOUND, async || what_if::drop_named(pool, "dearer").await).await;
    assert_eq!(schemas(&process).await, Vec::<String>::new());
    assert!(matches!(what_if::drop_named(pool, "dearer").await, Err(WhatIfError::None(_))));
}

async fn report_of_another(process: &Process) {
    let mut space = Space::open(process.pool(), "another", false).await.unwrap();
    assert_eq!(space.cleaned(), Vec::<String>::new());
    run(process, &mut space, &change("2", &[], None, None)).await.unwrap();
    space.close("").await.unwrap();
}

/// What was cut off is named and dropped by the next run, whatever that is called.
#[tokio::test]
async fn what_a_run_left_that_was_cut_off_is_named_and_dropped() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    let mut space = Space::open(process.pool(), "left", true).await.unwrap();
    run(&process, &mut space, &change("1.05", &[], None, None)).await.unwrap();
    // As if the process were killed: its session ends without a word.
    drop(space);
    assert_eq!(schemas(&process).await.len(), 2);
    assert_eq!(what_if::list(process.pool()).await.unwrap()[0].about, None);
    let cleaned = eventually("the session has ended", BOUND, async || {
        let space = Space::open(process.pool(), "next", false).await.map_err(|error| error.to_string())?;
        let cleaned = space.cleaned().to_vec();
        space.abandon().await.map_err(|error| error.to_string())?;
        if cleaned.is_empty() { Err("nothing was dropped".to_owned()) } else { Ok(cleaned) }
    });
    assert_eq!(cleaned.await, ["left"]);
    assert_eq!(schemas(&process).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_can_be_stopped_and_what_makes_no_sense_is_refused() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    a_shop(&mut history).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let mut watch = Watch { most_listed: 1, cancel: &cancel, progress: &mut |_| () };
    let mut space = Space::open(process.pool(), "stopped", false).await.unwrap();
    let stopped = what_if::run(&process.log, &mut space, Tz::UTC, &change("2", &[], None, None), &mut watch).await;
    assert!(matches!(stopped, Err(WhatIfError::Stopped(Stopped))), "{stopped:?}");
    space.abandon().await.unwrap();
    assert_eq!(schemas(&process).await, Vec::<String>::new());

    // Also between the statements that tell what differs.
    let (late, mut told) = (CancellationToken::new(), Vec::new());
    let mut progress = |progress: Progress<'_>| {
        if progress.what == "differences" {
            told.push((progress.done, progress.total));
            if progress.done == 2 {
                late.cancel();
            }
        }
    };
    let mut watch = Watch { most_listed: 1, cancel: &late, progress: &mut progress };
    let mut space = Space::open(process.pool(), "stopped", false).await.unwrap();
    let stopped = what_if::run(&process.log, &mut space, Tz::UTC, &change("2", &[], None, None), &mut watch).await;
    assert!(matches!(stopped, Err(WhatIfError::Stopped(Stopped))), "{stopped:?}");
    assert_eq!(told, [(0, 4), (1, 4), (2, 4)]);
    space.abandon().await.unwrap();

    for name in ["", "Dearer", "1st", "a-b", "a b", "x\"; DROP", &"a".repeat(31)] {
        let refused = Space::open(process.pool(), name, false).await;
        assert!(matches!(refused, Err(WhatIfError::Name(_))), "{name}");
    }
    for factor in ["0", "-1", "1000.1", "1.00000000001"] {
        let refused = PriceChange::new(factor.parse().unwrap(), Vec::new(), Days::default());
        assert_eq!(refused, Err(PriceChangeError::Factor), "{factor}");
    }
    let day = Some("2026-03-01".parse().unwrap());
    let refused = PriceChange::new(Decimal::ONE, Vec::new(), Days { from: day, to: day });
    assert_eq!(refused, Err(PriceChangeError::Days));
}
