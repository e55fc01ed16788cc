//! The page and its files, without a script.

use super::past::Past;
use crate::admin_support::main_of;
use crate::goods::support::{Goods, says};
use chrono::{Days, TimeDelta, Timelike, Utc};
use commands::payments::intents::{self, Asked};
use commands::shop::carts::{self, CartRef};
use commands::staff::Role;
use domain::ids::OrderId;
use domain::order::Reversal;
use domain::{Money, Quantity, Sku};
use serde_json::json;
use std::time::Duration;
use testkit::Launch;
use uuid::Uuid;

#[tokio::test]
async fn the_page_shows_what_was_sold_and_its_files_have_it_exactly() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let yen = json!({ "sku": "POT", "name": "Pot", "price": { "amount": "500", "currency": "JPY" } });
    goods.instance.post("/v1/products", &yen).await.is(201);
    let (past, now) = (Past::of(&goods.shop.db).await, Utc::now());
    let long_ago = now - Days::new(40);
    past.sold(long_ago, &[("TEA", 1)], "York", None).await;
    past.sold(now - Days::new(2), &[("TEA", 2)], "London", Some(TimeDelta::minutes(3))).await;
    past.sold(now - Days::new(1), &[("TEA", 1)], "Bath", None).await;
    let last = past.sold(now - Days::new(1), &[("POT", 3)], "Bath", Some(TimeDelta::seconds(5))).await;
    goods.caught_up(last.0).await;

    let staff = goods.staff(Role::Manager).await;
    let page = staff.get("/analytics/").await.is(200);
    says(&page, &["$37.50", "¥1,500", "London, GB", "before: 1", "2 of 3 orders", "Revenue by product"]);
    let main = main_of(&page);
    assert!(!main.contains("York"), "that is before the range: {main}");
    assert_eq!(main.matches("<svg class=\"admin-sketch\"").count(), 6, "three for each of two currencies");
    let day = (now - Days::new(2)).date_naive();
    says(
        &page,
        &[&format!("<tr data-day=\"{day}\"><td>{day}</td><td class=\"admin-number\" data-value=\"25.00\">$25.00</td>")],
    );
    let wide = staff.get("/analytics/?range=90d").await.is(200);
    says(&wide, &["York, GB", "$50.00"]);
    let single = staff.get(&format!("/analytics/?from={day}&to={day}")).await.is(200);
    says(&single, &["$25.00"]);
    assert!(!main_of(&single).contains("¥"));

    let file = staff.get(&format!("/analytics/cities.csv?from={day}&to={day}")).await.is(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"cities-{day}-{day}.csv\""));
    let heads = "city,currency,placed_orders,placed_revenue,paid_orders,paid_revenue";
    assert_eq!(file.text.replace('"', ""), format!("\u{feff}{heads}\r\nLondon, GB,USD,1,25.00,1,25.00\r\n"));
    for (name, line) in [
        ("days", format!("{day},USD,1,25.00,1,25.00,25.00,0,0.00")),
        ("products", "TEA,".to_owned()),
        ("payment-times", "300,1,180000".to_owned()),
        ("conversion", "paid,1,".to_owned()),
    ] {
        let file = staff.get(&format!("/analytics/{name}.csv?from={day}&to={day}")).await.is(200);
        let text = file.text.replace('"', "");
        assert!(text.contains(&format!("\n{line}")), "{name}: {text}");
    }
    staff.get("/analytics/secrets.csv").await.is(404);
    staff.get("/analytics/days").await.is(404);
}

#[tokio::test]
async fn nothing_sold_is_told_in_words_and_not_to_everybody() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Owner).await;
    says(&staff.get("/analytics/?range=today").await.is(200), &["Nothing was ordered in this range"]);
    says(&staff.get("/admin/").await.is(200), &["href=\"/analytics/\""]);
    let moved = staff.get("/analytics?range=7d").await.is(308);
    assert_eq!(moved.header("location"), "/analytics/?range=7d");
    let clerk = goods.staff(Role::Clerk).await;
    clerk.get("/analytics/").await.is(403);
    clerk.get("/analytics/days.csv").await.is(403);
    assert!(!clerk.get("/admin/").await.is(200).text.contains("href=\"/analytics/\""));
    let nobody = goods.instance.get("/analytics/").without("authorization").await.is(303);
    assert_eq!(nobody.header("location"), "/admin/login/?next=%2Fanalytics%2F");
}

#[tokio::test]
async fn what_is_no_range_is_told_and_not_answered_by_another() {
    let goods = Goods::open().await;
    let staff = goods.staff(Role::Manager).await;
    for (query, words, typed) in [
        ("from=2020-01-01&to=2026-01-31", "longer than 732 days", "value=\"2020-01-01\""),
        ("from=foo", "from one day to another", "value=\"foo\""),
        ("from=2026-02-01&to=2026-01-31", "ends before it begins", "value=\"2026-01-31\""),
        ("range=ever", "no range of that name", "name=\"to\""),
    ] {
        let page = staff.get(&format!("/analytics/?{query}")).await.is(422);
        says(&page, &[words, "Shown are the last 30 days", typed, "role=\"alert\"", "aria-invalid=\"true\""]);
        let file = staff.get(&format!("/analytics/days.csv?{query}")).await.is(422);
        assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
        assert!(file.text.contains(words) && file.text.lines().count() == 1, "{}", file.text);
    }
    assert!(!main_of(&staff.get("/analytics/").await.is(200)).contains("role=\"alert\""));
}

/// The cells of a row of a table, found by its label.
fn row<'p>(main: &'p str, label: &str) -> Vec<&'p str> {
    let (_, row) = main.split_once(&format!("<tr><td>{label}")).unwrap_or_else(|| panic!("no {label} in {main}"));
    let (row, _) = row.split_once("</tr>").unwrap();
    row.split("<td class=\"admin-number\">").skip(1).map(|cell| cell.trim_end().trim_end_matches("</td>")).collect()
}

#[tokio::test]
async fn the_way_from_the_cart_to_the_payment_is_told_step_by_step() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let (past, now) = (Past::of(&goods.shop.db).await, Utc::now());
    let (tea, one) = (Sku::parse("TEA").unwrap(), Quantity::try_from(1).unwrap());
    for _ in 0..8 {
        let cart = CartRef::Client(carts::create(&goods.pool, now).await.unwrap());
        carts::add(&goods.pool, cart, &tea, one, now).await.unwrap();
    }
    for _ in 0..2 {
        let (order, amount) = (OrderId(Uuid::now_v7()), Money::parse("12.50", "USD").unwrap());
        let asked = Asked { order, provider: "sandbox", amount, locale: "en", lasts: Duration::from_secs(60) };
        intents::ask(&goods.pool, asked, now).await.unwrap();
    }
    for paid in [None, None, None, Some(TimeDelta::seconds(5))] {
        let last = past.sold(now, &[("TEA", 1)], "London", paid).await;
        goods.caught_up(last.0).await;
    }
    let staff = goods.staff(Role::Manager).await;
    // Midnight may pass meanwhile.
    let week = "/analytics/?range=7d";
    let page = staff.get(week).await.is(200);
    let main = main_of(&page);
    assert_eq!(row(main, "Carts begun"), ["8", ""]);
    assert_eq!(row(main, "Orders placed"), ["4", "50 %"]);
    assert_eq!(row(main, "Payments begun"), ["2", "50 %"]);
    assert_eq!(row(main, "Orders paid"), ["1", "50 %"]);
    let file = staff.get("/analytics/conversion.csv?range=7d").await.is(200).text.replace('"', "");
    assert!(file.ends_with("carts,8,\r\norders,4,50\r\npayments,2,50\r\npaid,1,50\r\n"), "{file}");

    // What can't be counted costs its own figures and no others.
    let away = "ALTER TABLE carts_begun RENAME TO away";
    sqlx::query(away).execute(&goods.shop.db.owner_pool().await).await.unwrap();
    let page = staff.get(week).await.is(200);
    let main = main_of(&page);
    assert_eq!((row(main, "Carts begun"), row(main, "Orders placed")), (vec!["–", ""], vec!["4", "–"]));
    assert_eq!(row(main, "Orders paid"), ["1", "50 %"]);
    let path = format!("/v1/analytics/conversion?from={}&to={}", now.date_naive(), (now + Days::new(1)).date_naive());
    let steps = goods.instance.get(&path).await.is(200).json();
    assert_eq!((&steps["data"]["carts"], &steps["data"]["payments"]), (&json!(null), &json!(2)));
}

#[tokio::test]
async fn what_was_taken_back_is_told_beside_what_was_paid() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let (past, day) = (Past::of(&goods.shop.db).await, Utc::now().with_hour(12).unwrap() - Days::new(3));
    let usd = |amount| Money::parse(amount, "USD").unwrap();
    past.sold(day, &[("TEA", 1)], "London", Some(TimeDelta::zero())).await;
    let staff = goods.staff(Role::Manager).await;
    goods.caught_up(past.sold(day, &[("TEA", 1)], "London", None).await.0).await;
    assert!(!main_of(&staff.get("/analytics/").await.is(200)).contains("Taken back"), "nothing was");

    past.taken_back(day, &[("TEA", 2)], usd("5.00"), Reversal::Refunded).await;
    let last = past.taken_back(day, &[("TEA", 1)], usd("12.50"), Reversal::Denied).await;
    goods.caught_up(last.0).await;
    let page = staff.get("/analytics/").await.is(200);
    says(&page, &["<dt>Taken back</dt><dd>$17.50</dd>", "2 payments refunded, reversed or denied"]);
    let day = day.date_naive();
    let cells = ["62.50", "50.00", "17.50"].map(|value| format!("data-value=\"{value}\">${value}</td>"));
    let cells = cells.join("<td class=\"admin-number\" ");
    says(&page, &[&format!("<td>{day}</td><td class=\"admin-number\" {cells}</tr>")]);
    let file = staff.get(&format!("/analytics/days.csv?from={day}&to={day}")).await.is(200).text.replace('"', "");
    assert!(file.ends_with(&format!("{day},USD,4,62.50,3,50.00,15.63,2,17.50\r\n")), "{file}");
    let path = format!("/v1/analytics/days?from={day}&to={}", day.succ_opt().unwrap());
    let told = goods.instance.get(&path).await.is(200).json();
    let amount = json!({ "amount": "17.50", "currency": "USD" });
    assert_eq!(told["data"][0]["taken_back"], json!({ "payments": 2, "amount": amount }));
    assert_eq!(told["data"][0]["paid"]["orders"], 3);
    let totals = Launch::orders().args(["totals", "--by", "day", "--from", &day.to_string()]);
    let text = totals.env("DATABASE_URL", goods.shop.db.app_url()).run().await.succeeded();
    assert!(text.ends_with("Taken back: $17.50 of 2 payments\n"), "{text}");
}

#[tokio::test]
async fn a_day_that_is_not_over_is_not_compared() {
    let goods = Goods::open().await;
    goods.product("TEA", "12.50").await;
    let (past, today) = (Past::of(&goods.shop.db).await, Utc::now().with_hour(12).unwrap());
    // Two each on days that are over, one before, and many today, which would outweigh all.
    for (days_ago, orders) in [(0, 9), (1, 2), (2, 2), (4, 2)] {
        for _ in 0..orders {
            let last = past.sold(today - Days::new(days_ago), &[("TEA", 1)], "London", None).await;
            goods.caught_up(last.0).await;
        }
    }
    let staff = goods.staff(Role::Manager).await;
    let date = |days_ago: u64| (today - Days::new(days_ago)).date_naive();
    let page = staff.get(&format!("/analytics/?from={}&to={}", date(2), date(0))).await.is(200);
    says(&page, &["<dd>13</dd><dd class=\"admin-soft\">+100 % · before: 2</dd>"]);
    let words = format!("days that are over: {} – {} with {} – {}.", date(2), date(1), date(5), date(4));
    says(&page, &[&words]);
    let page = staff.get("/analytics/?range=today").await.is(200);
    says(&page, &["<dd>9</dd><dd class=\"admin-soft\">The day is not over: nothing is compared.</dd>"]);
}
