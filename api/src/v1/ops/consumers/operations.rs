//! The operations on consumer groups, as the API's document tells them.

use super::super::parked::operations::BODY;
use super::resource::GroupsResource;
use super::steer::{reason, token};
use super::{GroupResource, PreviewResource};
use crate::auth::permission::RunSystem;
use crate::http::body::Accepts;
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use consumers::groups::Preview;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const REWIND: &str = "/v1/ops/consumers/{name}/rewind";

fn group() -> Value {
    let lag = json!({ "events": 2, "is_exact": true, "seconds": 0.42 });
    json!({
        "name": "order_mail", "state": "running", "paused": null, "lag": lag, "parked": 1, "unknown": 0, "waiting": 3,
        "counts_are_exact": true, "last_error": "connecting to the mail server: connection refused", "started_after": 0,
        "members": [{
            "id": "01960000-0000-7000-8000-000000000006", "instance": "shop-1:4711", "state": "running", "detail": null,
            "partitions": 6, "started_at": "2026-01-31T08:00:00.000000Z", "seen_at": "2026-01-31T08:00:00.000000Z",
        }],
        "partitions": [{
            "topic": "orders.events", "partition": 0, "position": 40, "offset": 17, "lag": lag,
            "held_by": "shop-1:4711",
        }],
        "rewinding": [],
    })
}

fn preview() -> Value {
    json!({ "consumer": "order_mail", "position": 0, "events": 38112, "acts": 0, "token": confirmed() })
}

fn confirmed() -> String {
    let preview = json!({ "consumer": "order_mail", "position": 0, "events": 38112, "acts": 0, "up_to": [] });
    serde_json::from_value::<Preview>(preview).map(|preview| preview.token()).unwrap_or_default()
}

fn on(method: Method, path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    let operation = Operation::new(method, path, Tag::Operating, name, summary).allowed::<RunSystem>();
    let operation = operation.refuses(&[Code::ConsumerNotFound]);
    operation.at("name", json!({ "type": "string" }), "order_mail")
}

pub(in crate::v1::ops) fn operations() -> Vec<Operation> {
    let mut all = vec![
        Operation::new(
            Method::GET,
            "/v1/ops/consumers",
            Tag::Operating,
            "listConsumers",
            "The consumer groups, and how far each is",
        )
        .allowed::<RunSystem>()
        .answers::<GroupsResource<'_>>(StatusCode::OK, "All of them.", &[], json!({ "data": [group()] })),
        on(Method::GET, "/v1/ops/consumers/{name}", "getConsumer", "One consumer group").answers::<GroupResource<'_>>(
            StatusCode::OK,
            "The group.",
            &[],
            group(),
        ),
        on(Method::POST, "/v1/ops/consumers/{name}/pause", "pauseConsumer", "Have a group rest")
            .about("Members stay in the group and take nothing. What they have begun comes to its end.")
            .body(Accepts::JSON, "PauseConsumer", reason, json!({ "reason": "the mail server moves" }))
            .refuses(&[Code::ConsumerNotStarted])
            .answers::<GroupResource<'_>>(StatusCode::OK, "It is instructed.", &[], group()),
        on(Method::POST, "/v1/ops/consumers/{name}/resume", "resumeConsumer", "Have a group go on")
            .empty_body()
            .refuses(&BODY)
            .refuses(&[Code::ConsumerNotStarted])
            .answers::<GroupResource<'_>>(StatusCode::OK, "It is instructed.", &[], group()),
    ];
    all.extend(rewind());
    all
}

fn rewind() -> [Operation; 3] {
    let position = json!({ "type": "integer", "minimum": 0, "format": "int64" });
    let time = json!({ "type": "string", "format": "date-time" });
    [
        on(Method::GET, REWIND, "previewConsumerRewind", "What handing a group its events again would mean")
            .about("Counted as the group would find it: by log and ledger. One of the two parameters is needed.")
            .query("to_position", position, "Behind this position; 0 for all.")
            .query("to_time", time, "What was recorded then or later.")
            .refuses(&[Code::ConsumerNotStarted, Code::PositionBeyondHead, Code::TooMany])
            .answers::<PreviewResource<'_>>(StatusCode::OK, "What it would mean.", &[], preview()),
        on(Method::POST, REWIND, "rewindConsumer", "Hand a group its events again")
            .about("As a preview said, if it still says so. What the ledger knows is not done again.")
            .body(Accepts::JSON, "RewindConsumer", token, json!({ "token": confirmed() }))
            .refuses(&[Code::ConsumerNotStarted, Code::CountChanged, Code::TooMany])
            .answers::<GroupResource<'_>>(StatusCode::OK, "It is instructed.", &[], group()),
        on(Method::DELETE, REWIND, "withdrawConsumerRewind", "Withdraw what a group was told to go back to")
            .about(
                "As far as it was not carried out: partitions that have gone back, or are at it, stay so. Where nothing is instructed, nothing \
                 is done.",
            )
            .refuses(&[Code::ConsumerNotStarted])
            .answers::<GroupResource<'_>>(StatusCode::OK, "It is withdrawn.", &[], group()),
    ]
}
