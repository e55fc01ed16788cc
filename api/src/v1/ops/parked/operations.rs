//! The operations on parked items, as the API's document tells them.

use super::super::super::paging::PageResource;
use super::super::words::{Called, Words};
use super::decide::{DecidedResource, asked};
use super::{ConsumerName, ItemResource, ParkedResource, STATES, TypeName};
use crate::auth::permission::RunSystem;
use crate::http::body::{Accepts, Shaped};
use crate::openapi::examples::{self, ORDER};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use consumers::ledger::State;
use consumers::parked::Decision;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const ONE: &str = "/v1/ops/parked/{id}";

fn parked() -> Value {
    json!({
        "id": 7, "consumer": "order_mail", "state": "parked", "reason": "RCPT TO: 550 mailbox unavailable",
        "attempts": 1, "type": "OrderPlaced", "event_id": "01960000-0000-7000-8000-000000000005", "position": 42,
        "aggregate_type": "order", "aggregate_id": ORDER, "partition": 3, "offset": 17,
        "message_id": "01960000-0000-7000-8000-000000000005.a1b2c3d4e5f60718@example.com", "holds": 1,
        "noted_at": "2026-01-31T08:00:00.000000Z", "since": "2026-01-31T08:00:01.000000Z",
        "next_at": null,
    })
}

fn item() -> Value {
    json!({
        "item": parked(), "decided_by": null, "tries": 1,
        "failed_attempts": [{
            "number": 1, "at": "2026-01-31T08:00:01.000000Z", "state": "parked",
            "answer": "RCPT TO: 550 mailbox unavailable",
        }],
        "held": [{ "id": 9, "type": "OrderPaid", "position": 44 }],
        "topic": "orders.events", "correlation_id": "01960000-0000-7000-8000-000000000004", "traceparent": null,
        "event": {
            "version": "2", "sequence": 3, "recorded_at": "2026-01-31T08:00:00.000000Z",
            "metadata": { "occurred_at": "2026-01-31T08:00:00.000000Z", "actor": "shop" },
            "payload": { "OrderPlaced": { "number": 1001 } },
        },
    })
}

fn id() -> Value {
    json!({ "type": "integer", "minimum": 1, "format": "int64" })
}

pub(in crate::v1::ops) fn operations() -> Vec<Operation> {
    vec![
        list(),
        Operation::new(Method::GET, ONE, Tag::Operating, "getParked", "One effect, with all that is known of it")
            .about("Also after somebody decided on it.")
            .allowed::<RunSystem>()
            .at("id", id(), "7")
            .refuses(&[Code::ItemNotFound])
            .answers::<ItemResource<'_>>(StatusCode::OK, "The effect.", &[], item()),
        one("/v1/ops/parked/{id}/retry", "retryParked", "Have an item tried again", RETRY),
        one("/v1/ops/parked/{id}/discard", "discardParked", "Decide against an item", DISCARD),
        many("/v1/ops/parked/retry", "retryAllParked", "Have many items tried again", "RetryParked", Decision::Retry)
            .about(RETRY_ALL),
        many(
            "/v1/ops/parked/discard",
            "discardAllParked",
            "Decide against many items",
            "DiscardParked",
            Decision::Discard,
        ),
    ]
}

const RETRY: &str = "At once, or when what holds it is done. A mail goes out with the same Message-ID as before. One \
                     that waits is due now, its attempts as they are.";
const RETRY_ALL: &str = "Of all that the filter finds, if they are as many as expected; without a filter, of all that \
                         need a person. Of the state `waiting`, of all that wait: how many are expected does not matter \
                         there, as they come and go.";
const DISCARD: &str = "It is never tried again, and what it held goes on. One that waits is refused.";

const LIST: &str = "The oldest first: what is parked, or of unknown outcome. With the state `waiting`, what waits for its \
                    next attempt instead, or for an earlier one of its order.";

fn list() -> Operation {
    let states = json!({ "type": "string", "enum": STATES.map(State::as_str) });
    Operation::new(
        Method::GET,
        "/v1/ops/parked",
        Tag::Operating,
        "listParked",
        "What consumers could not do, and a person decides on",
    )
    .about(LIST)
    .allowed::<RunSystem>()
    .query("consumer", ConsumerName::shape(), "Those of this consumer.")
    .query("order", Called::shape(), "Those of this order, or other aggregate, by its id.")
    .query("type", TypeName::shape(), "Those that events of this type call for.")
    .query("reason", Words::shape(), "Those whose reason has this in it.")
    .query("state", states, "Those in this state.")
    .in_pages()
    .answers::<PageResource<ParkedResource<'_>>>(
        StatusCode::OK,
        "A page of them.",
        &[],
        examples::page(&[parked()]),
    )
}

fn one(path: &'static str, name: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation::new(Method::POST, path, Tag::Operating, name, summary)
        .about(about)
        .allowed::<RunSystem>()
        .at("id", id(), "7")
        .empty_body()
        .refuses(&BODY)
        .refuses(&[Code::ItemNotFound, Code::NotParked])
        .answers::<DecidedResource>(StatusCode::OK, "It is decided.", &[], json!({ "count": 1 }))
}

fn many(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    body: &'static str,
    decision: Decision,
) -> Operation {
    Operation::new(Method::POST, path, Tag::Operating, name, summary)
        .about("Of all that the filter finds, if they are as many as expected; without a filter, of all there are.")
        .allowed::<RunSystem>()
        .body(
            Accepts::JSON,
            body,
            |fields| asked(fields, decision),
            json!({ "expected": 12, "consumer": "order_mail", "reason": "550" }),
        )
        .refuses(&[Code::CountChanged, Code::TooMany])
        .answers::<DecidedResource>(StatusCode::OK, "It is decided.", &[], json!({ "count": 12 }))
}

/// How a body that is none can be wrong.
pub(in crate::v1::ops) const BODY: [Code; 6] = [
    Code::MalformedJson,
    Code::IncompleteBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidBody,
];
