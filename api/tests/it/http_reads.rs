//! Lists, single resources, search and totals, and reads that follow writes.

use crate::http_support::{Instance, Reply, Shop, buys, faults, usd};
use serde_json::{Value, json};

/// Reads what is at least as new as `after`.
async fn read(api: &Instance, path: &str, after: &Reply) -> Reply {
    api.get(path).header("orders-min-position", after.header("orders-position")).await.is(200)
}

fn column<'r>(reply: &'r Value, name: &str) -> Vec<&'r Value> {
    reply["data"].as_array().unwrap().iter().map(|row| &row[name]).collect()
}

#[tokio::test]
async fn a_list_shows_what_the_command_answered() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let first = api.place(&[("TEA", 2)]).await;
    let second = api.place(&[("TEA", 1), ("CUP", 1)]).await;
    let list = read(&api, "/v1/orders", &second).await;
    assert!(list.position() >= second.position());
    assert_eq!(list.json(), json!({ "data": [second.json(), first.json()], "next_cursor": null }), "newest first");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(api.place(&[("TEA", 1)]).await);
    }
    let mut seen = Vec::new();
    let mut path = "/v1/orders?limit=3&paid=false".to_owned();
    for size in [3, 3, 1] {
        let page = read(&api, &path, &placed[6]).await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), size);
        seen.extend(column(&page, "id").into_iter().cloned());
        path = format!("/v1/orders?limit=3&paid=false&cursor={}", page["next_cursor"].as_str().unwrap_or("end"));
    }
    assert!(path.ends_with("=end"));
    let expected: Vec<Value> = placed.iter().rev().map(|reply| reply.json()["id"].clone()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.place(&[("TEA", 1)]).await;
    let last = api.place(&[("TEA", 1)]).await;
    let page = read(&api, "/v1/orders?limit=1&paid=false", &last).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for path in ["/v1/orders?paid=true", "/v1/orders?x", "/v1/products?", "/v1/totals?by=day", "/v1/totals?by=product"]
    {
        let path = path.replace("?x", "?");
        let refused = api.get(&format!("{path}&cursor={cursor}")).await;
        refused.problem(400, "invalid_cursor");
    }
    let kept = api.get(&format!("/v1/orders?cursor={cursor}&limit=200&paid=false")).await.is(200);
    assert_eq!(kept.json()["data"].as_array().unwrap().len(), 1, "another limit is the same list");
    api.get("/v1/orders?cursor=made-up").await.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn orders_are_filtered_by_payment_status_and_times() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(api.place(&[("TEA", 1)]).await);
    }
    let paid = api.pay(&placed[1].id(), "12.50", "r").await.is(200);
    let time = |reply: &Reply, name: &str| reply.json()[name].as_str().unwrap().to_owned();
    let (second, third) = (time(&placed[1], "placed_at"), time(&placed[2], "placed_at"));
    let changed = time(&paid, "updated_at");
    for (query, expected) in [
        ("paid=true".to_owned(), vec![1]),
        ("paid=false".to_owned(), vec![2, 0]),
        ("status=placed".to_owned(), vec![2, 1, 0]),
        (format!("placed_from={second}"), vec![2, 1]),
        (format!("placed_to={second}"), vec![0]),
        (format!("placed_from={second}&placed_to={third}"), vec![1]),
        (format!("updated_from={changed}"), vec![1]),
        (format!("updated_to={changed}"), vec![2, 0]),
        (format!("updated_to={changed}&paid=false&placed_from={second}"), vec![2]),
        (format!("placed_from={third}&placed_to={third}"), vec![]),
    ] {
        let list = read(&api, &format!("/v1/orders?{query}"), &paid).await.json();
        let expected: Vec<Value> = expected.iter().map(|index: &usize| placed[*index].json()["id"].clone()).collect();
        assert_eq!(column(&list, "id"), expected.iter().collect::<Vec<_>>(), "{query}");
    }
}

#[tokio::test]
async fn a_query_names_all_that_it_gets_wrong() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let path = "/v1/orders?paid=yes&status=lost&limit=201&placed_from=2026-01-01&colour=red&placed_to=";
    let problem = api.get(path).await.problem(400, "invalid_query");
    assert_eq!(
        problem.faults(),
        faults(&[
            ("paid", "unknown_value"),
            ("status", "unknown_value"),
            ("placed_from", "not_a_time"),
            ("placed_to", "not_a_time"),
            ("limit", "out_of_range"),
            ("colour", "unknown_parameter"),
        ])
    );
    for path in ["/v1/orders/01890000-0000-7000-8000-000000000000?x=1", "/v1/products?x=1", "/v1/products/TEA?x=1"] {
        assert_eq!(api.get(path).await.problem(400, "invalid_query").faults(), faults(&[("x", "unknown_parameter")]));
    }
    let totals = api.get("/v1/totals?from=2026-1-1").await.problem(400, "invalid_query");
    assert_eq!(totals.faults(), faults(&[("by", "missing"), ("from", "not_a_day")]));
}

#[tokio::test]
async fn orders_are_found_by_address_or_number() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let place = async |email: &str| api.post("/v1/orders", &buys(email, &[("TEA", 1)])).await.is(201);
    let (one, two) = (place("Ada@Example.com").await, place("ada@example.com").await);
    let other = place("grace@example.com").await;
    let search = async |path: &str, body: Value| {
        let call = api.post(path, &body).header("orders-min-position", other.header("orders-position"));
        call.await.is(200).json()
    };
    let found = search("/v1/orders/search", json!({ "email": "ADA@example.COM" })).await;
    assert_eq!(column(&found, "id"), [&two.json()["id"], &one.json()["id"]]);
    let first = search("/v1/orders/search?limit=1", json!({ "email": "ada@example.com" })).await;
    assert_eq!(column(&first, "id"), [&two.json()["id"]]);
    let next = format!("/v1/orders/search?cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = search(&next, json!({ "email": "ada@example.com" })).await;
    assert_eq!(column(&rest, "id"), [&one.json()["id"]]);
    let by_number = search("/v1/orders/search", json!({ "number": other.json()["number"] })).await;
    assert_eq!(by_number["data"], json!([other.json()]));
    let none = search("/v1/orders/search", json!({ "number": 1 })).await;
    assert_eq!(none["data"], json!([]));

    let foreign = api.post(&next, &json!({ "email": "grace@example.com" })).await;
    foreign.problem(400, "invalid_cursor");
    for (body, fault) in [
        (json!({}), ("", "one_of")),
        (json!({ "email": "ada@example.com", "number": 7 }), ("", "one_of")),
        (json!({ "email": "ada" }), ("/email", "invalid_email")),
        (json!({ "number": -1 }), ("/number", "out_of_range")),
        (json!({ "number": 1, "name": "Ada" }), ("/name", "unknown_member")),
    ] {
        let refused = api.post("/v1/orders/search", &body).await.problem(422, "invalid_body");
        assert_eq!(refused.faults(), faults(&[fault]), "{body}");
    }
}

#[tokio::test]
async fn an_order_is_never_missing_after_it_was_placed() {
    let shop = Shop::new().await;
    let with_views = shop.open().await;
    let placed = with_views.place(&[("TEA", 1)]).await;
    let path = format!("/v1/orders/{}", placed.id());
    read(&with_views, "/v1/orders", &placed).await;
    with_views.stop.cancel();
    with_views.served.await.unwrap();

    // Nobody writes the views any more: what is placed from here on is in the log alone.
    let api = shop.instance().await;
    assert_eq!(api.get(&path).await.is(200).json(), placed.json());
    let later = api.place(&[("CUP", 1)]).await;
    let read = api.get(later.header("location")).await.is(200);
    assert_eq!((read.json(), read.header("etag")), (later.json(), later.header("etag")));
    assert_eq!(read.header("orders-position"), later.header("orders-position"));

    // A stale row is not good enough for whoever says so.
    let paid = api.pay(&placed.id(), "12.50", "r").await.is(200);
    assert_eq!(api.get(&path).await.is(200).json()["paid"], false);
    let fresh = api.get(&path).header("orders-min-position", paid.header("orders-position")).await.is(200);
    assert_eq!(fresh.json(), paid.json());
}

#[tokio::test]
async fn an_order_comes_from_the_log_before_any_view_is_built() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    api.add_product("TEA", "1.00").await;
    let placed = api.place(&[("TEA", 1)]).await;
    assert_eq!(api.get(placed.header("location")).await.is(200).json(), placed.json());
    let list = api.get("/v1/orders").await.problem(503, "projection_behind");
    assert_eq!(list.header("retry-after"), "1");
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    for path in [placed.header("location"), "/v1/products/TEA"] {
        let tag = api.get(path).await.is(200).header("etag").to_owned();
        let unchanged = api.get(path).header("if-none-match", &tag).await.is(304);
        assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", tag.as_str()));
        api.get(path).header("if-none-match", "\"99\"").await.is(200);
    }
}

#[tokio::test]
async fn a_read_waits_for_its_view_and_says_when_it_gave_up() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    let list = api.get("/v1/orders").header("orders-min-position", placed.header("orders-position"));
    let list = list.header("prefer", "wait=99").await.is(200);
    assert_eq!(list.header("preference-applied"), "wait=10", "capped");

    let ahead = (placed.position() + 1).to_string();
    for path in ["/v1/orders", "/v1/products", "/v1/totals?by=day", placed.header("location"), "/v1/products/TEA"] {
        let beyond = api.get(path).header("orders-min-position", &ahead).await;
        beyond.problem(400, "position_beyond_head");
        let malformed = api.get(path).header("orders-min-position", "+1").await;
        malformed.problem(400, "invalid_header");
    }

    let behind = shop.instance().await;
    api.stop.cancel();
    api.served.await.unwrap();
    let later = behind.place(&[("TEA", 1)]).await;
    for path in ["/v1/orders", "/v1/totals?by=product"] {
        let call = behind.get(path).header("orders-min-position", later.header("orders-position"));
        let gave_up = call.header("prefer", "wait=0").await.problem(503, "projection_behind");
        assert_eq!(gave_up.header("retry-after"), "1");
        assert!(gave_up.json()["position"].as_u64().unwrap() < later.position());
    }
}

#[tokio::test]
async fn totals_are_per_day_and_product_and_currency() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let euro = json!({ "sku": "BREAD", "name": "Bread", "price": { "amount": "3.00", "currency": "EUR" } });
    api.post("/v1/products", &euro).await.is(201);
    api.place(&[("TEA", 2), ("CUP", 1)]).await;
    let id = api.place(&[("TEA", 1)]).await.id();
    api.place(&[("BREAD", 4)]).await;
    let paid = api.pay(&id, "12.50", "r").await.is(200);
    let day = &paid.json()["placed_at"].as_str().unwrap()[..10].to_owned();
    let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let by_day = read(&api, "/v1/totals?by=day", &paid).await.json();
    assert_eq!(
        by_day["data"],
        json!([
            { "day": day, "currency": "EUR",
              "placed": { "orders": 1, "revenue": eur("12.00") }, "paid": { "orders": 0, "revenue": eur("0.00") } },
            { "day": day, "currency": "USD",
              "placed": { "orders": 2, "revenue": usd("45.50") }, "paid": { "orders": 1, "revenue": usd("12.50") } },
        ])
    );
    let first = read(&api, &format!("/v1/totals?by=product&from={day}&limit=2"), &paid).await.json();
    assert_eq!(
        first["data"],
        json!([
            { "sku": "BREAD", "currency": "EUR",
              "placed": { "quantity": 4, "revenue": eur("12.00") }, "paid": { "quantity": 0, "revenue": eur("0.00") } },
            { "sku": "CUP", "currency": "USD",
              "placed": { "quantity": 1, "revenue": usd("8.00") }, "paid": { "quantity": 0, "revenue": usd("0.00") } },
        ])
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = read(&api, &format!("/v1/totals?by=product&from={day}&cursor={cursor}"), &paid).await.json();
    assert_eq!(column(&rest, "sku"), ["TEA"]);
    let none = read(&api, &format!("/v1/totals?by=day&to={day}"), &paid).await.json();
    assert_eq!(none, json!({ "data": [], "next_cursor": null }), "the range ends before its end");
}

#[tokio::test]
async fn a_read_of_the_log_answers_with_no_less_than_the_position_that_was_asked_for() {
    let shop = Shop::new().await;
    // Nobody writes the views, so each of these comes from the log.
    let (api, other) = (shop.instance().await, shop.instance().await);
    api.add_product("TEA", "12.50").await;
    let order = api.place(&[("TEA", 1)]).await.id();
    let last = api.add_product("CUP", "8.00").await.position();
    for path in ["/v1/products/TEA".to_owned(), format!("/v1/orders/{order}")] {
        for instance in [&api, &other] {
            let read = instance.get(&path).header("orders-min-position", &last.to_string()).await.is(200);
            assert_eq!(read.position(), last, "{path}");
        }
    }
}
