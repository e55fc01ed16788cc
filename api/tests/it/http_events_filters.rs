//! Questions to the history: what is asked for, and in what form.

use crate::history_support::multiply_orders;
use crate::http_support::{BOUND, Instance, Reply, Shop, ada_buys, faults};
use api::app::{HttpSettings, LookSettings};
use api::http::ServerSettings;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

fn lines(reply: &Reply) -> Vec<Value> {
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn positions(reply: &Reply) -> Vec<u64> {
    lines(reply).iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

async fn looking(shop: &Shop, look: LookSettings) -> Instance {
    shop.instance_with(HttpSettings { look, ..HttpSettings::default() }, ServerSettings::default()).await
}

/// Two orders, one of them paid: positions 3 to 9, behind two products.
async fn two_orders(api: &Instance) -> [String; 2] {
    let call = api.post("/v1/orders", &ada_buys(&[("TEA", 2), ("CUP", 1)])).header("request-id", "first/request");
    let first = call.await.is(201).id();
    let second = api.place(&[("CUP", 1)]).await.id();
    api.pay(&first, "33.00", "till-1").await.is(200);
    [first, second]
}

#[tokio::test]
async fn what_is_asked_for_is_found() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let [first, second] = two_orders(&api).await;
    let all = lines(&api.get("/v1/events").await.is(200));
    let types: Vec<&str> = all.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "ProductAdded",
            "ProductAdded",
            "ItemAdded",
            "ItemAdded",
            "OrderPlaced",
            "ItemAdded",
            "OrderPlaced",
            "PaymentRecorded",
            "OrderPaid"
        ]
    );
    let (sixth, eighth) = (all[5]["recorded_at"].as_str().unwrap(), all[7]["recorded_at"].as_str().unwrap());
    for (query, found) in [
        (format!("order={first}"), vec![3, 4, 5, 8, 9]),
        (format!("order={second}"), vec![6, 7]),
        (format!("order={first}&type=OrderPlaced,OrderPaid"), vec![5, 9]),
        (format!("order={first}&after=4&up_to=8"), vec![5, 8]),
        ("order=0192d1f0-0000-7000-8000-000000000001".to_owned(), vec![]),
        ("type=OrderPlaced".to_owned(), vec![5, 7]),
        ("type=OrderPlaced,ProductAdded&after=1".to_owned(), vec![2, 5, 7]),
        ("sku=TEA".to_owned(), vec![1, 3, 5, 9]),
        ("sku=CUP&type=ItemAdded".to_owned(), vec![4, 6]),
        ("sku=TE".to_owned(), vec![]),
        ("correlation_id=first/request".to_owned(), vec![3, 4, 5]),
        ("correlation_id=first".to_owned(), vec![]),
        ("after=3&up_to=6".to_owned(), vec![4, 5, 6]),
        ("up_to=900".to_owned(), (1..=9).collect()),
        (format!("from={sixth}&to={eighth}"), vec![6, 7]),
        (format!("from={eighth}"), vec![8, 9]),
        ("to=2020-01-01T00:00:00Z".to_owned(), vec![]),
        ("from=2999-01-01T00:00:00Z".to_owned(), vec![]),
    ] {
        let reply = api.get(&format!("/v1/events?{query}")).await.is(200);
        assert_eq!(positions(&reply), found, "{query}");
        assert!(reply.position() >= found.last().copied().unwrap_or(0) && reply.position() <= 9, "{query}");
        // Once more by a process that has nothing of it in memory.
        let other = shop.instance().await.get(&format!("/v1/events?{query}")).await.is(200);
        assert_eq!(
            (other.text, other.headers.get("orders-position")),
            (reply.text, reply.headers.get("orders-position"))
        );
    }
}

#[tokio::test]
async fn a_question_goes_on_where_its_answer_ended() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    two_orders(&api).await;
    // Further back than what is kept in memory, and than one statement looks.
    let head = multiply_orders(&shop.db, 9_000).await.unsigned_abs();
    assert_eq!(head, 9 + 9_000 * 7);
    let patient = LookSettings { at_most: BOUND, ..LookSettings::default() };
    let api = looking(&shop, patient).await;
    let counted = api.get("/v1/events?type=OrderPaid&limit=100000").await.is(200);
    assert_eq!((positions(&counted).len(), counted.position()), (9_001, head));
    let (mut after, mut found) = (0, BTreeSet::new());
    loop {
        let part = api.get(&format!("/v1/events?type=OrderPaid&sku=TEA&limit=4000&after={after}")).await.is(200);
        found.extend(positions(&part));
        let next = part.position();
        if next == after {
            break;
        }
        after = next;
    }
    assert_eq!((after, found), (head, positions(&counted).into_iter().collect()));
    // What there is none of is looked for to the end.
    let nothing = api.get("/v1/events?correlation_id=nobody&limit=1").await.is(200);
    assert_eq!((nothing.text.as_str(), nothing.position()), ("", head));

    // Whose time is over at once has what one statement found, and goes on behind it.
    let hasty = looking(&shop, LookSettings { at_most: Duration::ZERO, ..patient }).await;
    for accept in ["application/json", "application/x-ndjson", "text/csv"] {
        let part = async |after: u64| {
            let path = format!("/v1/events?correlation_id=nobody&after={after}");
            hasty.get(&path).header("accept", accept).await.is(200).position()
        };
        let reached = part(0).await;
        assert!((1..head).contains(&reached), "{accept}: {reached}");
        assert_eq!(part(reached).await, head, "{accept}");
    }
    let begun = hasty.get("/v1/events?type=OrderPaid&limit=100000").await.is(200);
    let rest = hasty.get(&format!("/v1/events?type=OrderPaid&limit=100000&after={}", begun.position())).await.is(200);
    assert_eq!([positions(&begun), positions(&rest)].concat(), positions(&counted));
}

#[tokio::test]
async fn what_is_looked_for_waits_for_a_place_and_the_rest_does_not() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let [first, _] = two_orders(&api).await;
    assert_eq!(LookSettings::default().at_once, 4);
    let none = LookSettings { at_once: 0, wait_at_most: Duration::ZERO, ..LookSettings::default() };
    let busy = looking(&shop, none).await;
    for accept in ["application/json", "application/x-ndjson", "text/csv"] {
        let refused = busy.get("/v1/events?sku=TEA").header("accept", accept).await.problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), "1");
        busy.get(&format!("/v1/events?order={first}&type=OrderPaid")).header("accept", accept).await.is(200);
    }
    let placed = busy.place(&[("TEA", 1)]).await.position();
    // What was just appended is in memory.
    let found = busy.get(&format!("/v1/events?sku=TEA&after={}", placed - 1)).await.is(200);
    assert_eq!((positions(&found), found.position()), (vec![placed], placed));
}

#[tokio::test]
async fn a_page_says_where_it_ends_and_where_all_ends() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    two_orders(&api).await;
    let page = async |query: &str| {
        let reply = api.get(&format!("/v1/events{query}")).header("accept", "application/json").await.is(200);
        assert_eq!(reply.header("content-type"), "application/json");
        let page = reply.json();
        assert_eq!(page["position"].as_u64(), Some(reply.position()));
        page
    };
    let whole = page("").await;
    assert_eq!((whole["position"].as_u64(), whole["end"].as_u64()), (Some(9), Some(9)));
    assert_eq!(*whole["data"].as_array().unwrap(), lines(&api.get("/v1/events").await.is(200)));
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let part = page(&format!("?sku=CUP&limit=2&after={after}")).await;
        found.extend(part["data"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()));
        after = part["position"].as_u64().unwrap();
        if part["position"] == part["end"] {
            break;
        }
    }
    assert_eq!(found, [2, 4, 5, 6, 7, 9]);
    let empty = page("?after=9").await;
    assert_eq!((empty["data"].as_array().map(Vec::len), empty["position"].as_u64()), (Some(0), Some(9)));
    let long = api.get("/v1/events?limit=201").header("accept", "application/json").await.problem(400, "invalid_query");
    assert_eq!(long.faults(), faults(&[("limit", "out_of_range")]));
}

#[tokio::test]
async fn a_table_has_a_line_for_each_event() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let [first, _] = two_orders(&api).await;
    let table = api.get("/v1/events?type=ItemAdded,PaymentRecorded").header("accept", "text/csv").await.is(200);
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    let lines: Vec<&str> = table.text.split_terminator("\r\n").collect();
    let heads: Vec<&str> = lines[0].split(',').map(|head| head.trim_matches('"')).collect();
    assert_eq!((lines.len(), heads[0], heads[20]), (5, "position", "metadata"));
    // Before `data`, nothing of it has a comma.
    let cell = |line: &str, name: &str| {
        let nth = heads.iter().position(|head| *head == name).unwrap();
        line.split(',').nth(nth).unwrap().trim_matches('"').to_owned()
    };
    let tea = ["position", "aggregate_id", "sku", "quantity", "unit_price", "total", "currency", "amount"];
    assert_eq!(tea.map(|name| cell(lines[1], name)), ["3", &first, "TEA", "2", "12.50", "25.00", "USD", ""]);
    let paid = ["position", "sku", "amount", "currency", "unit_price"];
    assert_eq!(paid.map(|name| cell(lines[4], name)), ["8", "", "33.00", "USD", ""]);
    assert!(lines[4].contains(r#""{""reference"":""till-1"""#), "{}", lines[4]);
    let empty = api.get("/v1/events?after=9").header("accept", "text/csv").await.is(200);
    assert_eq!(empty.text, format!("{}\r\n", lines[0]));
}

#[tokio::test]
async fn what_can_not_be_asked_is_refused() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let query = "order=7&type=OrderPlaced,Nothing&sku=a%20b&correlation_id=&from=today&up_to=-1&colour=red";
    let refused = api.get(&format!("/v1/events?{query}")).await.problem(400, "invalid_query");
    assert_eq!(
        refused.faults(),
        faults(&[
            ("up_to", "out_of_range"),
            ("from", "not_a_time"),
            ("order", "not_a_uuid"),
            ("type", "unknown_value"),
            ("sku", "invalid_sku"),
            ("correlation_id", "invalid_correlation_id"),
            ("colour", "unknown_parameter"),
        ])
    );
    assert!(refused.text.contains("OrderPaid"), "the types that there are: {}", refused.text);
    for (query, accept) in [
        ("?follow=true", "application/json"),
        ("?follow=true", "text/csv"),
        ("", "text/html"),
        ("?follow=false", "text/event-stream"),
    ] {
        api.get(&format!("/v1/events{query}")).header("accept", accept).await.problem(406, "not_acceptable");
    }
    for query in ["?follow=true&up_to=1", "?follow=true&to=2026-01-01T00:00:00Z"] {
        let refused = api.get(&format!("/v1/events{query}")).await.problem(400, "invalid_query");
        assert_eq!(refused.faults(), faults(&[("follow", "no_end")]));
    }
    let refused = api.get("/v1/events").header("last-event-id", "x").await.problem(400, "invalid_header");
    assert_eq!(refused.faults(), faults(&[("Last-Event-ID", "not_a_position")]));
    let beyond = api.get("/v1/events").header("last-event-id", "7").await.problem(400, "position_beyond_head");
    assert_eq!(beyond.json()["head"], 2);
}
