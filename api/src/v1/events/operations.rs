//! The history, as the API's document tells of it.

use super::line::Line;
use super::page::EventPage;
use super::{DEFAULT_LIMIT, MAX_LIMIT, columns, selection};
use crate::auth::permission::ReadEvents;
use crate::openapi::examples::ORDER;
use crate::openapi::{Operation, Tag};
use http::{Method, StatusCode};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

const ABOUT: &str = "\
In order, personal data included, in the form that `Accept` asks for: lines (NDJSON, the default), a page (JSON, `limit` at most 200), \
a table (CSV), or server-sent events.

`Orders-Position` says up to where the answer is complete: send it as the next `after`. With `type`, `sku` or `correlation_id` alone an answer looks through \
1,000,000 positions at most (a page through 200,000), and about two seconds, so it may hold fewer events than there are, or none. You have \
all when `Orders-Position` is the `after` that you sent. Few look at once, and the others wait: for longer than five seconds is 503.

`follow=true` goes on with what is appended, as it is committed, for an hour at most; so do server-sent events by themselves. As lines, \
an empty one says that the connection is alive. The server ends with `{\"end\":\"stopping\",\"position\":42}` (as an event of the \
type `end`), or `time_over`, `too_slow`, `unavailable`: go on behind that position. `key_ended` says that the key was revoked. `limit` ends it with `limit`. An `EventSource` comes \
again after every end, so close it on `end` where you want no more.";

pub(in crate::v1) fn operations() -> Vec<Operation> {
    let number = |least: u64, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let position = || number(0, i64::MAX.unsigned_abs());
    let time = || json!({ "type": "string", "format": "date-time" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let types = json!({ "type": "string", "examples": ["OrderPlaced,OrderPaid"] });
    let correlation = json!({ "type": "string", "minLength": 1, "maxLength": selection::MAX_CORRELATION_BYTES });
    let operation = Operation::new(Method::GET, "/v1/events", Tag::Events, "listEvents", "Read the history")
        .about(ABOUT)
        .allowed::<ReadEvents>()
        .query("after", position(), "Begins behind this position.")
        .query("up_to", position(), "Ends with this position.")
        .query("from", time(), "Begins with what was recorded at this time, or later.")
        .query("to", time(), "Ends before what was recorded at this time.")
        .query("order", json!({ "type": "string", "format": "uuid" }), "Of this order alone.")
        .query("type", types, "Of these types alone, separated by commas.")
        .query("sku", json!({ "type": "string" }), "Of this product, and of orders with a line of it.")
        .query("correlation_id", correlation, "Of one request and what it led to: its `Request-Id`.")
        .query("limit", limit, "The most events. Where it is not said, 50 on a page, and no bound where it follows.")
        .query("follow", json!({ "type": "boolean" }), "Goes on with what comes. Not with `up_to` or `to`.")
        .own_header(
            "Last-Event-ID",
            position(),
            "The `id` of a server-sent event: goes on behind it, whatever `after` says.",
        )
        .of_position()
        .answers_in::<Lines>(
            "application/x-ndjson",
            StatusCode::OK,
            "The events. Cut in the middle where the history can't be read on.",
            &["Orders-Position"],
            format!("{}\n", line()).into(),
        )
        .or_in::<EventPage<'_>>("application/json", json!({ "data": [line()], "position": 42, "end": 42 }))
        .or_in::<Table>("text/csv", format!("{}\r\n", columns::NAMES.join(",")).into())
        .or_in::<Stream>("text/event-stream", format!("id: 42\ndata: {}\n\n", line()).into());
    vec![operation]
}

/// [`Line`]s, one after another.
struct Lines;

impl JsonSchema for Lines {
    fn schema_name() -> Cow<'static, str> {
        "EventLines".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "JSON documents, each with a line feed behind it.",
            "contentMediaType": "application/json",
            "contentSchema": schemas.subschema_for::<Line<'_>>(),
        })
    }
}

struct Table;

impl JsonSchema for Table {
    fn schema_name() -> Cow<'static, str> {
        "EventTable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "RFC 4180, UTF-8. The first line names the columns; what an event has not is empty.",
        })
    }
}

struct Stream;

impl JsonSchema for Stream {
    fn schema_name() -> Cow<'static, str> {
        "EventStream".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Server-sent events: `id` is the position, `data` the event.",
            "contentMediaType": "application/json",
            "contentSchema": schemas.subschema_for::<Line<'_>>(),
        })
    }
}

fn line() -> Value {
    json!({
        "position": 42,
        "event_id": "01960000-0000-7000-8000-000000000005",
        "type": "OrderPaid",
        "version": "2",
        "aggregate_type": "order",
        "aggregate_id": ORDER,
        "sequence": 4,
        "recorded_at": "2026-01-31T08:00:00.000000Z",
        "metadata": { "occurred_at": "2026-01-31T08:00:00.000000Z", "actor": "payments" },
        "data": { "number": 1001 },
    })
}
