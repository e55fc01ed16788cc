//! `GET /v1/analytics/…`: what was sold, as JSON and as CSV.

use crate::http_support::{Instance, Reply, Shop, faults, usd};
use projections::{Settings, Views};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The range that holds the day of this order alone.
fn day_of(order: &Reply) -> (String, String) {
    let day: chrono::NaiveDate = order.json()["placed_at"].as_str().unwrap()[..10].parse().unwrap();
    (day.to_string(), format!("from={day}&to={}", day.succ_opt().unwrap()))
}

async fn read(api: &Instance, path: &str, after: &Reply) -> Reply {
    api.get(path).header("orders-min-position", after.header("orders-position")).await.is(200)
}

fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[tokio::test]
async fn what_was_sold_is_told_by_day_product_city_and_time_of_payment() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let euro = json!({ "sku": "BREAD", "name": "Bread", "price": eur("3.00") });
    api.post("/v1/products", &euro).await.is(201);
    let first = api.place(&[("TEA", 2), ("CUP", 1)]).await;
    api.place(&[("BREAD", 4)]).await;
    api.post("/v1/cart/items", &json!({ "sku": "TEA", "quantity": 1 })).await.is(201);
    let paid = api.pay(&first.id(), "33.00", "r").await.is(200);
    let (day, range) = day_of(&paid);

    let days = read(&api, &format!("/v1/analytics/days?{range}"), &paid).await.json();
    assert_eq!((&days["from"], &days["time_zone"]), (&json!(day), &json!("UTC")));
    assert_eq!(
        days["data"],
        json!([
            { "day": day, "currency": "EUR",
              "placed": { "orders": 1, "revenue": eur("12.00") }, "paid": { "orders": 0, "revenue": eur("0.00") },
              "taken_back": { "payments": 0, "amount": eur("0.00") } },
            { "day": day, "currency": "USD",
              "placed": { "orders": 1, "revenue": usd("33.00") }, "paid": { "orders": 1, "revenue": usd("33.00") },
              "taken_back": { "payments": 0, "amount": usd("0.00") } },
        ])
    );
    let products = read(&api, &format!("/v1/analytics/products?{range}&limit=1"), &paid).await.json();
    let names: Vec<_> = products["data"].as_array().unwrap().iter().map(|row| row["sku"].as_str().unwrap()).collect();
    assert_eq!(names, ["BREAD", "TEA"], "the first of each currency");
    let cities = read(&api, &format!("/v1/analytics/cities?{range}"), &paid).await.json();
    assert_eq!(cities["data"][1]["city"], "London, GB");
    assert_eq!(cities["data"][1]["paid"], json!({ "orders": 1, "revenue": usd("33.00") }));
    let times = read(&api, &format!("/v1/analytics/payment-times?{range}"), &paid).await.json();
    assert_eq!(times["data"].as_array().unwrap().len(), 9, "all spans");
    assert_eq!((&times["data"][0]["within_s"], &times["data"][0]["orders"]), (&json!(60), &json!(1)));
    let steps = read(&api, &format!("/v1/analytics/conversion?{range}"), &paid).await.json();
    assert_eq!(steps["data"], json!({ "carts": 1, "orders": 2, "payments": 0, "paid": 1 }));
}

#[tokio::test]
async fn a_table_is_csv_for_whoever_prefers_it() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    let (day, range) = day_of(&placed);
    let path = format!("/v1/analytics/days?{range}");
    let json = read(&api, &path, &placed).await;
    let csv = api
        .get(&path)
        .header("accept", "text/csv, application/json;q=0.9")
        .header("orders-min-position", placed.header("orders-position"))
        .await
        .is(200);
    assert_eq!(
        (json.header("content-type"), csv.header("content-type")),
        ("application/json", "text/csv; charset=utf-8")
    );
    assert!(csv.header("vary").contains("accept") && csv.header("etag") != json.header("etag"));
    let heads = "day,currency,placed_orders,placed_revenue,paid_orders,paid_revenue,average_basket,taken_back_payments,taken_back_amount";
    let expected = format!("{heads}\r\n{day},USD,1,12.50,0,0.00,12.50,0,0.00\r\n");
    assert_eq!(csv.text.replace('"', ""), expected);
    api.get(&path).header("accept", "text/html").await.problem(406, "not_acceptable");
    for subject in ["products", "cities", "payment-times", "conversion"] {
        let path = format!("/v1/analytics/{subject}?{range}");
        let csv = api.get(&path).header("accept", "text/csv").await.is(200);
        assert!(csv.text.lines().count() > 1, "{subject}: {}", csv.text);
    }
}

#[tokio::test]
async fn a_range_must_be_there_and_is_bounded() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for (query, expected) in [
        ("", faults(&[("from", "missing"), ("to", "missing")])),
        ("from=2026-1-1&to=2026-01-02", faults(&[("from", "not_a_day")])),
        ("from=2026-01-02&to=2026-01-02", faults(&[("to", "empty_range")])),
        ("from=2020-01-01&to=2026-01-02", faults(&[("to", "range_too_long")])),
        ("from=2026-01-01&to=2026-01-02&limit=5", faults(&[("limit", "unknown_parameter")])),
    ] {
        let refused = api.get(&format!("/v1/analytics/days?{query}")).await.problem(400, "invalid_query");
        assert_eq!(refused.faults(), expected, "{query}");
    }
    let refused = api.get("/v1/analytics/cities?from=2026-01-01&to=2026-01-02&limit=1001").await;
    assert_eq!(refused.problem(400, "invalid_query").faults(), faults(&[("limit", "out_of_range")]));
}

/// Whatever this process is configured with: the zone that is named is that of the rows.
#[tokio::test]
async fn days_are_those_of_the_build_that_is_read() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let elsewhere = Views::new(api.views.log().clone(), Settings { time_zone: chrono_tz::Asia::Tokyo });
    let never = CancellationToken::new();
    projections::rebuild(&elsewhere, "sales", "test", &never, &mut |_| ()).await.unwrap();
    for path in ["days", "products", "conversion"] {
        let told = api.get(&format!("/v1/analytics/{path}?from=2026-01-01&to=2026-02-01")).await.is(200).json();
        assert_eq!(told["time_zone"], "Asia/Tokyo", "{path}");
    }
}
