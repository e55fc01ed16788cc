//! The page in a real browser: looked at in each light and size, by mouse and keys, with a script and without.
//!
//! `SHOP_PICTURES=/directory` keeps a picture of each.

use super::past::Past;
use crate::goods::support::Goods;
use crate::http_support::BOUND;
use crate::window::{keeps_nobody_out, press};
use chrono::{Days, TimeDelta, Timelike, Utc};
use commands::staff::Role;
use serde_json::json;
use testkit::browser::{Browser, Key, Looks};
use testkit::eventually;

const CITIES: [&str; 6] =
    ["London", "Bath", "York", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "Leeds", "Oxford"];

/// A month of sales, more at its end than at its beginning, and less on every seventh day.
async fn a_month_of_sales(goods: &Goods) {
    for (sku, price) in [("SENCHA", "12.50"), ("EARL-GREY", "9.80"), ("POT", "48.00"), ("CUP", "8.00")] {
        goods.product(sku, price).await;
    }
    let past = Past::of(&goods.shop.db).await;
    let today = Utc::now().with_hour(0).unwrap();
    let mut last = None;
    for day in 0..30_u32 {
        for order in 0..if day % 7 == 3 { 1 } else { 2 + day / 8 } {
            let at = today - Days::new(u64::from(29 - day));
            let items = [("SENCHA", 1 + order % 3), (["EARL-GREY", "POT", "CUP"][(day % 3) as usize], 1)];
            let city = CITIES[((day + order * order) % 6) as usize];
            let paid = (order % 4 != 3).then(|| TimeDelta::seconds(20 + 700 * i64::from(order * day)));
            last = Some(past.sold(at, &items, city, paid).await);
        }
    }
    goods.caught_up(last.unwrap().0).await;
}

async fn drawn(browser: &Browser, charts: u32) {
    eventually("the charts are drawn", BOUND, async || {
        let count = browser.run("return document.querySelectorAll('.uplot canvas').length").await;
        if count == json!(charts) { Ok(()) } else { Err(count) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_are_drawn_read_by_keys_and_there_without_a_script() {
    let goods = Goods::open().await;
    a_month_of_sales(&goods).await;
    let staff = goods.staff(Role::Manager).await;
    let looks = Looks::desk();
    let browser = Browser::open(&looks).await;
    let base = format!("http://localhost:{}", goods.instance.address.port());
    let (name, value) = staff.cookie.split_once('=').expect("a cookie");
    let cookie = json!({ "name": name, "value": value, "url": base, "secure": true, "httpOnly": true, "path": "/" });
    assert_eq!(browser.tell("Network.setCookie", cookie).await["success"], true);

    browser.goto(&format!("{base}/admin/")).await;
    press(&browser, ".admin-nav a[href='/analytics/']", "/analytics/").await;
    drawn(&browser, 3).await;
    keeps_nobody_out(&browser, &looks, "analytics").await;
    // Left and right go through the days, and each is told in words.
    browser.run("document.querySelector('[data-plot]').focus()").await;
    let reading = "return document.querySelector('[data-reading]').textContent";
    for (key, days_ago) in [(Key::End, 0), (Key::Left, 1), (Key::Home, 29), (Key::Right, 28)] {
        browser.keys(key).await;
        let day = (Utc::now() - Days::new(days_ago)).date_naive().to_string();
        eventually("the day is told", BOUND, async || {
            let told = browser.run(reading).await.as_str().unwrap().to_owned();
            if told.starts_with(&day) && told.contains("Ordered $") { Ok(()) } else { Err(format!("{told} for {day}")) }
        })
        .await;
    }
    keeps_nobody_out(&browser, &looks, "analytics-read").await;
    browser.run("document.querySelector('[data-chart] details').open = true").await;
    keeps_nobody_out(&browser, &looks, "analytics-table").await;

    press(&browser, ".admin-ranges a[href*='7d']", "range=7d").await;
    drawn(&browser, 3).await;
    let current = "return document.querySelector('.admin-ranges a[aria-current]').textContent";
    assert_eq!(browser.run(current).await, "7 days");
    let from = (Utc::now() - Days::new(3)).date_naive().to_string();
    browser.run(&format!("document.querySelector('#from').value = '{from}'")).await;
    press(&browser, ".admin-ranges form button", &format!("from={from}")).await;
    drawn(&browser, 3).await;

    for (name, looks) in [
        ("analytics-dark", Looks { dark: true, ..Looks::desk() }),
        ("analytics-phone", Looks::phone()),
        ("analytics-phone-dark", Looks { dark: true, ..Looks::phone() }),
    ] {
        browser.look(&looks).await;
        browser.goto(&format!("{base}/analytics/")).await;
        drawn(&browser, 3).await;
        keeps_nobody_out(&browser, &looks, name).await;
    }
    browser.goto(&format!("{base}/analytics/?from=2020-01-01&to=2020-01-02")).await;
    keeps_nobody_out(&browser, &Looks::phone(), "analytics-none").await;
    let looks = Looks { scripts: false, ..Looks::desk() };
    browser.look(&looks).await;
    browser.goto(&format!("{base}/analytics/")).await;
    keeps_nobody_out(&browser, &looks, "analytics-without-script").await;
    browser.close().await;
}
