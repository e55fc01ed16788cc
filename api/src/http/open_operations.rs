//! What answers without an API key, as the API's document tells it.

use crate::health::Report;
use crate::openapi::{Operation, Tag};
use crate::problem::Code;
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Whether the process lives.
#[derive(Serialize, JsonSchema)]
pub(super) struct Alive {
    pub(super) alive: bool,
}

/// What is known of a code.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProblemType {
    #[serde(rename = "type")]
    pub(super) type_uri: String,
    pub(super) title: &'static str,
    pub(super) status: u16,
    pub(super) code: &'static str,
}

impl From<Code> for ProblemType {
    fn from(code: Code) -> Self {
        Self { type_uri: code.type_uri(), title: code.title(), status: code.status().as_u16(), code: code.as_str() }
    }
}

pub(crate) fn operations() -> Vec<Operation> {
    let on =
        |path, id, summary| Operation::new(Method::GET, path, Tag::Open, id, summary).refuses(&[Code::NotAcceptable]);
    let ready = json!({ "ready": true, "checks": [{ "name": "log", "ready": true }] });
    let unready =
        json!({ "ready": false, "checks": [{ "name": "log", "ready": false, "reason": "no answer within 2s" }] });
    let known = serde_json::to_value(ProblemType::from(Code::OrderNotFound)).unwrap_or_default();
    vec![
        on("/healthz", "isAlive", "Whether the process lives").answers::<Alive>(
            StatusCode::OK,
            "It does.",
            &[],
            json!({ "alive": true }),
        ),
        on("/readyz", "isReady", "Whether the process can do its work")
            .answers::<Report>(StatusCode::OK, "It can.", &[], ready)
            .answers::<Report>(StatusCode::SERVICE_UNAVAILABLE, "It can't, and why.", &["Retry-After"], unready),
        on("/metrics", "getMetrics", "The process in numbers").answers_in::<String>(
            "text/plain",
            StatusCode::OK,
            "In Prometheus' text format, version 0.0.4.",
            &[],
            json!("# TYPE orders_http_requests_total counter\n"),
        ),
        on("/problems/{slug}", "getProblemType", "What a problem's `type` stands for")
            .at("slug", json!({ "type": "string", "pattern": "^[a-z-]+$" }), "order-not-found")
            .refuses(&[Code::NotFound])
            .answers::<ProblemType>(StatusCode::OK, "The code.", &[], known),
        on("/openapi.json", "getDocument", "This document")
            .answers::<Map<String, Value>>(StatusCode::OK, "OpenAPI 3.1.", &["ETag"], json!({ "openapi": "3.1.0" }))
            .refuses(&[Code::Overloaded])
            .answers_nothing(StatusCode::NOT_MODIFIED, "It is the one that the client has.", &["ETag"]),
    ]
}
