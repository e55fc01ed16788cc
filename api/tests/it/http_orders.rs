//! Placing orders, adding to them, and recording payments.

use crate::http_support::{Shop, ada_buys, faults, usd};
use serde_json::json;

#[tokio::test]
async fn an_order_is_placed_at_the_catalogues_prices() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 2), ("CUP", 1), ("TEA", 1)]).await;
    let order = placed.json();
    let id = order["id"].as_str().unwrap();
    assert_eq!(placed.header("location"), format!("/v1/orders/{id}"));
    assert_eq!(placed.header("etag"), "\"3\"");
    assert_eq!(placed.header("content-type"), "application/json");
    assert_eq!(placed.position(), 5, "two products, two lines, one OrderPlaced");
    assert_eq!(
        order,
        json!({
            "id": id,
            "number": order["number"],
            "status": "placed",
            "paid": false,
            "needs_review": false,
            "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com" },
            "shipping_address": {
                "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB"
            },
            "items": [
                { "sku": "TEA", "name": "The TEA", "unit_price": usd("12.50"), "quantity": 3, "cost": usd("37.50") },
                { "sku": "CUP", "name": "The CUP", "unit_price": usd("8.00"), "quantity": 1, "cost": usd("8.00") },
            ],
            "total": usd("45.50"),
            "version": 3,
            "placed_at": order["placed_at"],
            "updated_at": order["placed_at"],
        })
    );
    assert!(order["number"].as_u64().unwrap() > 1000);
    let placed_at = order["placed_at"].as_str().unwrap();
    assert!(placed_at.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(placed_at).is_ok(), "{placed_at}");
}

#[tokio::test]
async fn all_faults_of_a_body_are_named_at_once() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let body = json!({
        "customer": { "first_name": "  ", "last_name": "L".repeat(51), "email": "ada", "phone": "1" },
        "shipping_address": { "address": "A\u{0}B", "city": "C".repeat(101), "postal_code": "P".repeat(21), "country": "GBR" },
        "items": [{ "sku": "no sku", "quantity": 0 }, { "sku": "TEA", "quantity": 1, "price": usd("0.01") }, 7],
        "expected_total": { "amount": 12.5, "currency": "USD" },
        "coupon": "HALF",
    });
    let problem = api.post("/v1/orders", &body).await.problem(422, "invalid_body");
    let mut found = problem.faults();
    let mut expected = faults(&[
        ("/customer/first_name", "empty"),
        ("/customer/last_name", "too_long"),
        ("/customer/email", "invalid_email"),
        ("/customer/phone", "unknown_member"),
        ("/shipping_address/address", "control_character"),
        ("/shipping_address/postal_code", "too_long"),
        ("/shipping_address/city", "too_long"),
        ("/shipping_address/country", "invalid_country"),
        ("/items/0/sku", "invalid_sku"),
        ("/items/0/quantity", "out_of_range"),
        ("/items/1/price", "price_not_accepted"),
        ("/items/2", "wrong_type"),
        ("/expected_total/amount", "wrong_type"),
        ("/coupon", "unknown_member"),
    ]);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(problem.text.contains("prices come from the catalogue"));
    assert!(!problem.text.contains("HALF") && !problem.text.contains("LLLL"), "no value is repeated");
    assert_eq!(api.get("/v1/events?after=2").await.is(200).text, "", "nothing is written");
}

#[tokio::test]
async fn items_that_cant_be_ordered_are_named_one_by_one() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.add_product("OLD", "1.00").await;
    api.post("/v1/products/OLD/withdraw", &json!({})).await.is(200);
    let yen = json!({ "sku": "YEN", "name": "Yen", "price": { "amount": "500", "currency": "JPY" } });
    api.post("/v1/products", &yen).await.is(201);
    let body = ada_buys(&[("TEA", 5_000), ("NONE", 1), ("OLD", 1), ("YEN", 1), ("TEA", 5_000)]);
    let problem = api.post("/v1/orders", &body).await.problem(422, "items_rejected");
    assert_eq!(
        problem.faults(),
        faults(&[
            ("/items/1/sku", "unknown_sku"),
            ("/items/2/sku", "withdrawn"),
            ("/items/3/sku", "other_currency"),
            ("/items/4/quantity", "out_of_range"),
        ])
    );
    let none = api.post("/v1/orders", &ada_buys(&[])).await.problem(422, "invalid_body");
    assert_eq!(none.faults(), faults(&[("/items", "empty")]));
    let many: Vec<(&str, u32)> = std::iter::repeat_n(("TEA", 1), 501).collect();
    let many = api.post("/v1/orders", &ada_buys(&many)).await.problem(422, "invalid_body");
    assert_eq!(many.faults(), faults(&[("/items", "too_many")]));
}

#[tokio::test]
async fn limits_count_characters_after_trimming_and_composing() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut body = ada_buys(&[("TEA", 9_999)]);
    // 50 characters, written as 100 scalars: each an e and a combining acute accent.
    body["customer"]["first_name"] = json!(format!("  {}  ", "e\u{301}".repeat(50)));
    body["shipping_address"]["address"] = json!("ß".repeat(250));
    body["shipping_address"]["postal_code"] = json!("1".repeat(20));
    body["shipping_address"]["city"] = json!("東".repeat(100));
    body["shipping_address"].as_object_mut().unwrap().remove("country");
    let order = api.post("/v1/orders", &body).await.is(201).json();
    assert_eq!(order["customer"]["first_name"], "é".repeat(50));
    assert_eq!(order["total"], usd("124987.50"));
    assert!(order["shipping_address"].get("country").is_none());
}

#[tokio::test]
async fn an_expected_total_that_no_longer_holds_is_answered_with_the_new_one() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut body = ada_buys(&[("TEA", 2)]);
    body["expected_total"] = usd("24.00");
    let problem = api.post("/v1/orders", &body).await.problem(409, "total_changed").json();
    assert_eq!((&problem["expected_total"], &problem["total"]), (&usd("24.00"), &usd("25.00")));
    body["expected_total"] = usd("25.00");
    api.post("/v1/orders", &body).await.is(201);
}

#[tokio::test]
async fn items_are_added_until_a_payment_is_recorded() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    let items = format!("/v1/orders/{}/items", placed.id());
    let added = api.post(&items, &json!({ "sku": "CUP", "quantity": 2 })).await.is(200);
    let order = added.json();
    assert_eq!(order["total"], usd("28.50"));
    assert_eq!(order["items"].as_array().unwrap().len(), 2);
    assert_eq!((added.header("etag"), order["version"].as_u64()), ("\"3\"", Some(3)));
    assert!(added.position() > placed.position());
    assert_eq!(added.header("location"), "");

    let unknown = api.post(&items, &json!({ "sku": "NONE", "quantity": 1 })).await.problem(422, "items_rejected");
    assert_eq!(unknown.faults(), faults(&[("/sku", "unknown_sku")]));
    let priced = api.post(&items, &json!({ "sku": "TEA", "quantity": 1, "unit_price": usd("1.00") })).await;
    assert_eq!(priced.problem(422, "invalid_body").faults(), faults(&[("/unit_price", "price_not_accepted")]));

    api.pay(&placed.id(), "1.00", "first").await.is(200);
    let late = api.post(&items, &json!({ "sku": "CUP", "quantity": 1 })).await.problem(409, "payment_recorded");
    let current = late.json()["current"].clone();
    assert_eq!(current["status"], "placed");
    assert_eq!((current["paid"].as_bool(), current["version"].as_u64()), (Some(false), Some(4)));
}

#[tokio::test]
async fn an_order_is_paid_once_its_total_is_covered() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let id = api.place(&[("TEA", 2)]).await.id();
    let part = api.pay(&id, "10.00", "t-1").await.is(200);
    assert_eq!(part.json()["paid"], false);

    let again = api.pay(&id, "10.00", "t-1").await.is(200);
    assert_eq!(again.json(), part.json(), "the same reference again changes nothing");
    let other = api.pay(&id, "11.00", "t-1").await.problem(409, "reference_reused");
    assert_eq!(other.json()["recorded_amount"], usd("10.00"));

    let above = api.pay(&id, "15.01", "t-2").await.problem(422, "above_balance");
    assert_eq!(above.json()["balance"], usd("15.00"));
    api.pay(&id, "0.00", "t-2").await.problem(422, "payment_rejected");
    let yen = json!({ "amount": { "amount": "10", "currency": "JPY" }, "reference": "t-2" });
    let yen = api.post(&format!("/v1/orders/{id}/payments"), &yen).header("idempotency-key", "yen").await;
    assert_eq!(yen.problem(422, "payment_rejected").faults(), faults(&[("/amount/currency", "other_currency")]));

    let rest = api.pay(&id, "15.00", "t-2").await.is(200);
    assert_eq!(rest.json()["paid"], true);
    assert_eq!(rest.position(), part.position() + 2, "PaymentRecorded and OrderPaid in one append");
    let late = api.pay(&id, "1.00", "t-3").await.problem(409, "already_paid");
    assert_eq!(late.json()["current"]["paid"], true);
    assert_eq!(api.pay(&id, "10.00", "t-1").await.is(200).json()["paid"], true, "as it is now");
}

#[tokio::test]
async fn an_order_of_nothing_is_paid_when_it_is_placed() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.add_product("GIFT", "0.00").await;
    let order = api.place(&[("GIFT", 1)]).await.json();
    assert_eq!((order["paid"].as_bool(), &order["total"]), (Some(true), &usd("0.00")));
}

#[tokio::test]
async fn commands_on_an_order_that_is_not_there_are_404() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let item = json!({ "sku": "TEA", "quantity": 1 });
    for id in ["01890000-0000-7000-8000-000000000000", "1", "%ff"] {
        api.post(&format!("/v1/orders/{id}/items"), &item).await.problem(404, "order_not_found");
        api.pay(id, "1.00", "r").await.problem(404, "order_not_found");
        api.get(&format!("/v1/orders/{id}")).await.problem(404, "order_not_found");
    }
}
