//! The history as NDJSON.

use crate::http_support::{Reply, Shop, faults};
use serde_json::Value;

fn lines(reply: &Reply) -> Vec<Value> {
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_history_is_one_event_per_line_in_order() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = crate::http_support::ada_buys(&[("TEA", 1)]);
    let call = api.post("/v1/orders", &body).header("request-id", "req-7").header("traceparent", trace);
    let placed = call.header("accept-language", "en-GB,en;q=0.5").await.is(201);
    let history = api.get("/v1/events").header("accept", "application/x-ndjson").await.is(200);
    assert_eq!(history.header("content-type"), "application/x-ndjson");
    assert_eq!(history.position(), 4);
    let events = lines(&history);
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["ProductAdded", "ProductAdded", "ItemAdded", "OrderPlaced"]);
    let event = &events[3];
    let mut members: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let mut expected = [
        "position",
        "event_id",
        "type",
        "version",
        "aggregate_type",
        "aggregate_id",
        "sequence",
        "recorded_at",
        "metadata",
        "data",
    ];
    expected.sort_unstable();
    assert_eq!(members, expected);
    assert_eq!(event["position"], 4);
    assert_eq!(
        (event["aggregate_type"].as_str(), event["aggregate_id"].as_str()),
        (Some("order"), Some(&*placed.id()))
    );
    assert_eq!(event["data"]["number"], placed.json()["number"], "without the tag that names the type");
    let metadata = &event["metadata"];
    assert_eq!((metadata["correlation_id"].as_str(), metadata["traceparent"].as_str()), (Some("req-7"), Some(trace)));
    assert_eq!(metadata["locale"], "en-GB");
    assert!(uuid::Uuid::parse_str(metadata["actor"].as_str().unwrap()).is_ok(), "a key's id");
}

#[tokio::test]
async fn each_answer_says_where_the_next_begins() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for _ in 0..300 {
        api.place(&[("TEA", 1), ("CUP", 1)]).await;
    }
    let all = lines(&api.get("/v1/events?limit=100000").await.is(200));
    assert_eq!(all.len(), 902);
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let part = api.get(&format!("/v1/events?after={after}&limit=350")).await.is(200);
        if part.text.is_empty() {
            assert_eq!(part.position(), 902);
            break;
        }
        after = part.position();
        seen.extend(lines(&part));
    }
    assert_eq!(seen, all);
    let positions: Vec<u64> = seen.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=902).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_history_that_was_not_asked_for_rightly_is_refused() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let beyond = api.get("/v1/events?after=3").await.problem(400, "position_beyond_head");
    assert_eq!(beyond.json()["head"], 2);
    let unknown = api.get("/v1/events").header("orders-min-position", "3").await.problem(400, "position_beyond_head");
    assert_eq!(unknown.json()["head"], 2);
    assert_eq!(api.get("/v1/events").header("orders-min-position", "2").await.is(200).position(), 2);
    let query = api.get("/v1/events?after=-1&limit=0&type=x").await.problem(400, "invalid_query");
    assert_eq!(
        query.faults(),
        faults(&[("after", "out_of_range"), ("limit", "out_of_range"), ("type", "unknown_value")])
    );
    api.get("/v1/events").header("accept", "text/html").await.problem(406, "not_acceptable");
}
