//! The documents about events, as the API's document tells them.

use super::{ASYNCAPI, EVENT, INDEX};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

pub(crate) fn operations() -> Vec<Operation> {
    let on = |path, id, summary, done, example| {
        Operation::new(Method::GET, path, Tag::Open, id, summary)
            .refuses(&[Code::NotAcceptable])
            .answers::<Map<String, Value>>(StatusCode::OK, done, &["ETag"], example)
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the one that the client has.", &["ETag"])
    };
    let index = |path, id| on(path, id, "Which events there are", "Each version with its schema.", all());
    let text = || json!({ "type": "string", "pattern": "^[A-Za-z0-9.]+$" });
    vec![
        on(
            ASYNCAPI,
            "getAsyncApi",
            "What comes by Kafka and by WebSocket",
            "AsyncAPI 3.0.",
            json!({ "asyncapi": "3.0.0" }),
        ),
        index("/schemas", "getSchemas"),
        index("/schemas/", "getSchemasBelow"),
        index(INDEX, "getSchemaIndex"),
        on(EVENT, "getEventSchema", "What a version of an event looks like", "JSON Schema, draft 7.", one())
            .at("event", text(), "OrderPlaced")
            .at("file", text(), "2.json"),
    ]
}

fn all() -> Value {
    json!({
        "asyncapi": ASYNCAPI,
        "events": [{
            "type": "OrderPlaced", "version": "2", "written_today": true, "aggregate_type": "order", "topic": "orders",
            "schema": "/schemas/events/OrderPlaced/2.json",
        }],
    })
}

fn one() -> Value {
    json!({ "$schema": "http://json-schema.org/draft-07/schema#", "title": "OrderPlaced, version 2", "type": "object" })
}
