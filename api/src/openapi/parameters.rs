//! Parameters: those that many operations have, by name, and those of one operation.

use serde_json::{Map, Value, json};

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameter {
    /// One that is described once for all.
    Shared(&'static str),
    /// One of this operation alone.
    Own(Value),
}

impl Parameter {
    pub(super) fn in_path(name: &'static str, schema: Value, example: &str) -> Self {
        Self::Own(json!({ "name": name, "in": "path", "required": true, "schema": schema, "example": example }))
    }

    pub(super) fn in_query(name: &'static str, required: bool, schema: Value, description: &'static str) -> Self {
        Self::Own(json!({
            "name": name, "in": "query", "required": required, "schema": schema, "description": description,
        }))
    }

    pub(super) fn in_header(name: &'static str, schema: Value, description: &'static str) -> Self {
        Self::Own(header(name, false, schema, description, None))
    }

    pub(super) fn render(&self) -> Value {
        match self {
            Self::Shared(name) => shared(name),
            Self::Own(parameter) => parameter.clone(),
        }
    }
}

pub(super) fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// An entity tag of ours, quotes included; behind the version stands how the answer was compressed, if it was.
const ETAG: &str = "^(\\*|\"[0-9]{1,19}(-br|-gzip)?\")$";

pub(super) fn components() -> Map<String, Value> {
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let about_key = "A name of the client's own for this request, 1 to 255 visible ASCII characters. Sent again with it, the \
                     request is carried out once and answered the same. A new one for each new request.";
    let about_version =
        "The `ETag` of the version that the change is of, or `*`. Of another version it is refused: 412.";
    let cart = json!({ "type": "string", "format": "uuid" });
    let about_cart = "The cart: the id that `POST /v1/cart/items` answered with when it made it. A key that is bound to a \
                      member reaches the member's own, and need not name it.";
    [
        ("Request-Id", header("Request-Id", false, json!({ "type": "string" }),
            "What this request is known by, in its answer, in the log and in the metadata of its events. One is made where none is sent.", None)),
        ("Idempotency-Key", header("Idempotency-Key", false, key.clone(), about_key, Some("checkout-7f3a"))),
        ("Idempotency-Key-Required", header("Idempotency-Key", true, key, about_key, Some("payment-7f3a"))),
        ("If-Match", header("If-Match", false, json!({ "type": "string", "pattern": ETAG }), about_version, None)),
        ("If-Match-Required", header("If-Match", true, json!({ "type": "string", "pattern": ETAG }), about_version, Some("*"))),
        ("If-None-Match", header("If-None-Match", false, json!({ "type": "string" }),
            "The `ETag` of an earlier answer: 304 without a body where it is the same still.", None)),
        ("Orders-Min-Position", header("Orders-Min-Position", false, json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX }),
            "The `Orders-Position` of an earlier answer: this one holds everything up to it.", Some("0"))),
        ("Prefer", header("Prefer", false, json!({ "type": "string" }),
            "`wait=S`: for how many seconds at most a position is waited for (3 where it is not said, 10 at most).", Some("wait=5"))),
        ("Orders-Cart", header("Orders-Cart", true, cart.clone(), about_cart, Some(super::examples::CART))),
        ("Orders-Cart-Optional", header("Orders-Cart", false, cart, about_cart, None)),
        ("limit", json!({
            "name": "limit", "in": "query", "required": false,
            "schema": { "type": "integer", "minimum": 1, "maximum": crate::v1::MAX_LIMIT, "default": crate::v1::DEFAULT_LIMIT },
            "description": "The most that one page holds.",
        })),
        ("cursor", json!({
            "name": "cursor", "in": "query", "required": false, "schema": { "type": "string" },
            "description": "The `next_cursor` of the page before, with the same filters.",
        })),
    ]
    .map(|(name, parameter)| (name.to_owned(), parameter))
    .into_iter()
    .collect()
}

fn header(name: &str, required: bool, schema: Value, description: &str, example: Option<&str>) -> Value {
    let mut parameter =
        json!({ "name": name, "in": "header", "required": required, "schema": schema, "description": description });
    if let Some(example) = example {
        parameter["example"] = match parameter["schema"]["type"].as_str() {
            Some("integer") => example.parse::<u64>().unwrap_or_default().into(),
            _ => example.into(),
        };
    }
    parameter
}
