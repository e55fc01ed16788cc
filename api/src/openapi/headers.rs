//! What answers bear in their headers.

use serde_json::{Map, Value, json};

/// On every answer.
pub(super) const ALWAYS: [&str; 2] = ["Request-Id", "Server-Timing"];

pub(super) fn shared(name: &str) -> (String, Value) {
    (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
}

pub(super) fn components() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    [
        ("Request-Id", text(), "What the request is known by: as it was sent, or made for it."),
        ("Server-Timing", text(), "Where the answer's time went, in milliseconds: `decide`, `append`, `database`."),
        ("Orders-Position", json!({ "type": "integer", "minimum": 0 }),
            "The position that the answer is of. As `Orders-Min-Position` of a later read it asks for one that holds this. Opaque."),
        ("ETag", text(), "The version, in quotes: for `If-Match` of a change, and `If-None-Match` of a read."),
        ("Location", text(), "Where the resource is."),
        ("Idempotent-Replayed", json!({ "type": "string", "enum": ["true"] }),
            "There where the request was carried out before, and its first answer is sent again."),
        ("Preference-Applied", text(), "How long would have been waited: what was granted of `Prefer`."),
        ("Retry-After", json!({ "type": "integer", "minimum": 0 }), "After how many seconds to try again."),
        ("WWW-Authenticate", text(), "What is asked for, and which scope is missing (RFC 6750)."),
        ("Orders-Cart", json!({ "type": "string", "format": "uuid" }), "The cart's id, for every request about it."),
    ]
    .map(|(name, schema, description)| (name.to_owned(), json!({ "description": description, "schema": schema })))
    .into_iter()
    .collect()
}
