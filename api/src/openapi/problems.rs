//! Refusals in the document: RFC 9457, with the codes that an operation may answer with.

use super::headers;
use crate::problem::{Code, Problem};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MEDIA_TYPE: &str = "application/problem+json";

/// The answers with these codes, by status.
pub(super) fn answers(codes: &[Code]) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    // In the order in which they are declared, each once.
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let answers = by_status.into_iter().map(|(status, codes)| match codes[..] {
        [code] => (status, json!({ "$ref": format!("#/components/responses/{}", code.as_str()) })),
        _ => (status, answer(status, &codes)),
    });
    answers.map(|(status, answer)| (status.as_str().to_owned(), answer)).collect()
}

/// The answer with each code, where it is the only one of its status.
pub(super) fn components() -> Map<String, Value> {
    Code::ALL.iter().map(|code| (code.as_str().to_owned(), answer(code.status(), &[*code]))).collect()
}

fn answer(status: StatusCode, codes: &[Code]) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let told: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let examples: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/examples/{name}") })))
        .collect();
    let mut on_it: Map<String, Value> = headers::ALWAYS.map(headers::shared).into_iter().collect();
    if codes.iter().any(|code| code.retry_after_s().is_some()) || status == StatusCode::TOO_MANY_REQUESTS {
        on_it.extend([headers::shared("Retry-After")]);
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        on_it.extend([headers::shared("WWW-Authenticate")]);
    }
    if status == StatusCode::PRECONDITION_FAILED {
        on_it.extend([headers::shared("ETag")]);
    }
    json!({
        "description": told.join("\n\n"),
        "headers": on_it,
        "content": { MEDIA_TYPE: {
            "schema": {
                "allOf": [
                    { "$ref": "#/components/schemas/Problem" },
                    { "properties": { "code": { "enum": names } } },
                ],
            },
            "examples": examples,
        } },
    })
}

/// One of each code.
pub(super) fn examples() -> Map<String, Value> {
    let example = |code: &Code| {
        let problem = Problem::new(*code, format!("{}.", code.title()));
        let value: Value = serde_json::from_str(&problem.document(super::examples::REQUEST)).unwrap_or_default();
        (code.as_str().to_owned(), json!({ "summary": code.title(), "value": value }))
    };
    Code::ALL.iter().map(example).collect()
}

pub(super) fn schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "Why a request was not carried out (RFC 9457). Members that are not named here say more of single codes.",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Stands for the code; answers with what is known of it." },
            "title": text("What the code means, for people. May change."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What is wrong with this request, and what to do."),
            "code": text("For programs. Never changes."),
            "request_id": text("What the request is known by in the log."),
            "errors": {
                "type": "array", "maxItems": crate::problem::MAX_FAULTS,
                "items": { "$ref": "#/components/schemas/Fault" },
                "description": "Each single fault.",
            },
            "errors_omitted": { "type": "integer", "minimum": 1, "description": "How many more there are." },
            "current": { "type": "object", "description": "The state that refused it, with its `version`." },
        },
    })
}

pub(super) fn fault_schema() -> Value {
    json!({
        "type": "object",
        "description": "One fault of a request; where it is, is one of `pointer`, `parameter` and `header`.",
        "required": ["code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "In the body: a JSON pointer (RFC 6901), empty for the whole." },
            "parameter": { "type": "string", "description": "In the query: the parameter's name." },
            "header": { "type": "string", "description": "In a header: its name." },
            "code": { "type": "string", "description": "For programs." },
            "detail": { "type": "string", "description": "What would be right, for people." },
        },
    })
}
