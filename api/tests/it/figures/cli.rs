//! `orders totals`, by the program.

use super::past::Past;
use crate::http_support::{BOUND, Shop};
use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use commands::{Log, db};
use domain::Position;
use projections::{Settings, Views};
use serde_json::Value;
use testkit::{Db, Launch, eventually};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::test]
async fn totals_are_drawn_without_colour_where_nobody_looks_and_told_as_json() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (past, now) = (Past::of(&shop.db).await, Utc::now());
    past.sold(now - Days::new(1), &[("TEA", 2)], "London", None).await;
    let last = past.sold(now, &[("TEA", 1), ("CUP", 1)], "Bath", None).await;
    api.caught_up(last.0).await;
    let totals =
        |arguments: &[&str]| Launch::orders().arg("totals").args(arguments).env("DATABASE_URL", shop.db.app_url());

    let (today, yesterday) = (now.date_naive(), (now - Days::new(1)).date_naive());
    let text = totals(&["--by", "day", "--from", &yesterday.to_string()]).run().await.succeeded();
    assert!(text.starts_with(&format!("Placed by day, {yesterday} to {today} (UTC)\n")), "{text}");
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].contains(&yesterday.to_string()) && lines[0].contains('█') && lines[0].contains("$25.00  1 order")
    );
    assert!(lines[2].starts_with("Together") && lines[2].contains("$45.50  2 orders"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");

    let json = totals(&["--by", "city", "--json"]).run().await.succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["data"][0]["city"], &json["data"][1]["placed"]["orders"]), (&"London, GB".into(), &1.into()));
    let products = totals(&["--by", "product", "--limit", "1"]).run().await.succeeded();
    assert!(products.contains("3 pieces") && !products.contains("CUP"), "{products}");
    let lines: Vec<&str> = products.lines().collect();
    let [.., rest, together] = lines.as_slice() else { panic!("{products}") };
    assert!(rest.starts_with("The rest: 1 product ") && rest.ends_with("$8.00  1 piece"), "{products}");
    assert!(together.starts_with("Together ") && together.ends_with("$45.50  4 pieces"), "{products}");
    let paid = totals(&["--by", "product", "--paid"]).run().await.succeeded();
    assert!(paid.starts_with("Paid by product, ") && paid.ends_with("\n\nNothing was paid.\n"), "{paid}");

    for (arguments, told) in [
        (&["--by", "day", "--from", "2026-01-02", "--to", "2026-01-01"][..], "the range holds no day"),
        (&["--by", "day", "--from", "2999-01-01"][..], "is still to come"),
        (&["--by", "day", "--limit", "3"][..], "--limit is of products and cities"),
        (&["--by", "city", "--from", "2026-11-22T00:00:00Z"][..], "must be a day such as 2026-01-31"),
        (&["--by", "city", "--paid", "--json"][..], "cannot be used with"),
    ] {
        let wrong = totals(arguments).run().await;
        assert!(!wrong.status.success() && wrong.stderr.contains(told), "{arguments:?}: {wrong:?}");
    }
}

#[tokio::test]
async fn what_was_paid_is_drawn_where_it_is_asked_for() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (past, now) = (Past::of(&shop.db).await, Utc::now());
    past.sold(now, &[("TEA", 2)], "London", Some(TimeDelta::zero())).await;
    let last = past.sold(now, &[("CUP", 1)], "Bath", None).await;
    api.caught_up(last.0).await;
    let totals = async |by: &str| {
        let asked = Launch::orders().args(["totals", "--by", by, "--paid"]);
        asked.env("DATABASE_URL", shop.db.app_url()).run().await.succeeded()
    };
    for (by, line) in [("day", "$25.00  1 order"), ("product", "$25.00  2 pieces"), ("city", "$25.00  1 order")] {
        let text = totals(by).await;
        let title = format!("Paid by {by}, ");
        assert!(text.starts_with(&title) && text.trim_end().ends_with(line), "{text}");
        assert!(!text.contains("CUP") && !text.contains("Bath"), "{text}");
    }
}

/// Has the views of totals built with the days of a time zone, up to the head of the log.
async fn built_in(db: &Db, time_zone: Tz) {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let log = Log::open(db::connect(&db.app_url(), 4).await.unwrap(), stop.clone(), &tasks).await.unwrap();
    let views = Views::new(log.clone(), Settings { time_zone });
    let names = ["sales", "order_totals"];
    let running = names.map(|name| {
        let (views, stop) = (views.clone(), stop.clone());
        tokio::spawn(async move { projections::run(&views, name, &stop).await })
    });
    let head = log.head().await.unwrap();
    for name in names {
        eventually("the view is built", BOUND, async || views.position(name).await.map(drop)).await;
        views.wait_for(name, head, BOUND).await.unwrap();
    }
    stop.cancel();
    for view in running {
        view.await.unwrap().unwrap();
    }
}

/// A shop in Berlin, asked from a shell that knows nothing of it: all tools mean the same days by the same words.
#[tokio::test]
async fn every_tool_tells_the_days_of_the_build_with_both_ends() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    api.add_product("TEA", "12.50").await;
    let past = Past::of(&shop.db).await;
    let at = |time: &str| time.parse::<DateTime<Utc>>().unwrap();
    // Each is of the day before by the clock of Greenwich.
    let mut head = Position::ORIGIN;
    for time in ["2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z", "2026-07-02T21:59:59Z", "2026-07-02T22:00:00Z"] {
        head = past.sold(at(time), &[("TEA", 1)], "Berlin", None).await;
    }
    built_in(&shop.db, Tz::Europe__Berlin).await;
    let day = "2026-07-02";
    let asked = async |arguments: &[&str]| {
        let asked = Launch::orders().args(arguments).args(["--from", day, "--to", day]);
        asked.env("DATABASE_URL", shop.db.app_url()).run().await.succeeded()
    };
    let json = async |arguments: &[&str]| serde_json::from_str::<Value>(&asked(arguments).await).unwrap();

    let text = asked(&["totals", "--by", "day"]).await;
    assert!(text.starts_with("Placed by day, 2026-07-02 to 2026-07-02 (Europe/Berlin)\n"), "{text}");
    assert!(text.contains("$25.00  2 orders"), "{text}");
    let totals = json(&["totals", "--by", "day", "--json"]).await;
    assert_eq!(totals["time_zone"], "Europe/Berlin");
    let then = json(&["as-of", &head.to_string(), "--by", "day", "--json"]).await;
    for told in [&totals, &then] {
        let rows = told["data"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{told}");
        assert_eq!((&rows[0]["day"], &rows[0]["placed"]["orders"]), (&day.into(), &2.into()), "{told}");
    }
    let what_if = json(&["what-if", "dearer", "--price-factor", "2", "--json"]).await;
    assert_eq!(what_if["about"], "prices times 2 from 2026-07-02 to 2026-07-02");
    assert_eq!((&what_if["sums"][0]["orders"], &what_if["sums"][0]["changed_orders"]), (&4.into(), &2.into()));
    let days: Vec<_> = what_if["days"]["listed"].as_array().unwrap().iter().map(|row| &row["day"]).collect();
    assert_eq!(days, [day], "{what_if}");
}
