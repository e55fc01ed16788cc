//! Every operation under `/v1`, as the API's document tells them, and those that are a module's only one.

use super::events::line::Line;
use super::ops::schedule::JobResource;
use super::paging::PageResource;
use super::totals::TotalsPage;
use super::{cart, categories, events, newsletters, orders, products};
use crate::auth::permission::{ReadEvents, ReadTotals, RunSystem};
use crate::openapi::examples::{self, ORDER};
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

pub(crate) fn operations() -> Vec<Operation> {
    [
        orders::operations(),
        cart::operations(),
        products::operations(),
        categories::operations(),
        newsletters::operations(),
        vec![totals(), history(), schedule()],
    ]
    .concat()
}

fn totals() -> Operation {
    let day = json!({ "type": "string", "format": "date" });
    let amounts = json!({ "orders": 3, "revenue": { "amount": "72.00", "currency": "USD" } });
    let example = json!({ "day": "2026-01-31", "currency": "USD", "placed": amounts, "paid": amounts });
    Operation::new(Method::GET, "/v1/totals", Tag::Totals, "getTotals", "How many, and how much")
        .about("Per currency, placed and paid apart. Days are the shop's, in its time zone; the range is `[from, to)`.")
        .allowed::<ReadTotals>()
        .required_query("by", json!({ "type": "string", "enum": ["day", "product"] }), "What is counted by.")
        .query("from", day.clone(), "The first day.")
        .query("to", day, "The day behind the last.")
        .in_pages()
        .waits()
        .answers::<TotalsPage>(
            StatusCode::OK,
            "A page of them.",
            &["Orders-Position", "Preference-Applied"],
            examples::page(&[example]),
        )
}

fn history() -> Operation {
    let number = |least: u64, most: u64, default: u64| json!({ "type": "integer", "minimum": least, "maximum": most, "default": default });
    Operation::new(Method::GET, "/v1/events", Tag::Events, "listEvents", "Read the history")
        .about(
            "One event per line, in order, personal data included. `Orders-Position` is the position of the last one: send \
             it as the next `after`.",
        )
        .allowed::<ReadEvents>()
        .query("after", number(0, i64::MAX.unsigned_abs(), 0), "Begins behind this position.")
        .query("limit", number(1, events::MAX_LIMIT.into(), events::DEFAULT_LIMIT.into()), "The most events.")
        .of_position()
        .answers_in::<Lines>(
            "application/x-ndjson",
            StatusCode::OK,
            "The events. Cut in the middle where the history can't be read on.",
            &["Orders-Position"],
            format!("{}\n", line()).into(),
        )
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

fn schedule() -> Operation {
    let job = json!({
        "id": 1, "task": "sweep", "key": "carts", "state": "waiting", "run_at": "2026-01-31T08:00:00.000000Z",
        "next_look_at": "2026-01-31T08:00:00.000000Z", "every_s": 600, "attempts": 0, "last_error": null,
        "last_run_at": null, "decided_by": null,
    });
    Operation::new(
        Method::GET,
        "/v1/ops/schedule",
        Tag::Operating,
        "listJobs",
        "Work at a given time, and periodic work",
    )
    .about("Times that are not known yet are `null`.")
    .allowed::<RunSystem>()
    .query("all", json!({ "type": "boolean" }), "Also jobs that ended well or were cancelled.")
    .in_pages()
    .refuses(&[Code::Unavailable])
    .answers::<PageResource<JobResource<'_>>>(StatusCode::OK, "A page of jobs.", &[], examples::page(&[job]))
}
