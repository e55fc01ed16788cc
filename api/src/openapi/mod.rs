//! The API as a document: OpenAPI 3.1, made of what the code itself says.
//!
//! - Each module with routes has a list of its [`Operation`]s beside its handlers (`operations.rs`). A test holds that
//!   list against the table of routes: none is missing, none too many.
//! - What a body must be is told by the reader that the handler reads it with
//!   ([`body::schema_of`](crate::http::body::schema_of)).
//! - What an answer is, is derived of the type that is written (`schemars::JsonSchema`).
//! - Which refusals there are, is said with their codes; each code has its status from [`Code`](crate::problem::Code).
//! - Examples of answers are what the domain makes of the examples of requests ([`examples`]).

pub(crate) mod examples;
mod files;
mod headers;
mod operation;
mod pages;
mod parameters;
mod problems;
mod render;
mod values;

pub(crate) use operation::{Operation, Tag};
pub(crate) use pages::routes;
pub(crate) use values::{Instant, MoneyValue, OrderItem};

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

/// What the document says of itself.
const DESCRIPTION: &str = "\
Takes a shop's orders. Commands are decided at once and answered with the whole resource; reads come from views that follow, \
and wait for a position where they are asked to. How keys, idempotency, positions, errors and pages work is explained, \
with requests to run, in the [guide](/docs/guide).";

/// What is explained in words and requests. Viewers show it as a chapter without operations.
const GUIDE: &str = include_str!("../../../docs/API.md");

fn guide() -> Value {
    // A chapter has its title already.
    let text = GUIDE.split_once('\n').map_or(GUIDE, |(_title, text)| text).trim_start();
    json!({ "name": "guide", "x-displayName": "Guide", "x-traitTag": true, "description": text })
}

/// Every operation that is in the document.
fn operations() -> Vec<Operation> {
    [
        crate::v1::operations(),
        crate::payments::webhook::operations(),
        crate::http::open_operations(),
        crate::schemas::operations(),
    ]
    .concat()
}

/// The whole document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    let mut bodies = Map::new();
    let chapters: Vec<Value> = std::iter::once(guide()).chain(Tag::ALL.map(Tag::render)).collect();
    for operation in operations() {
        let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
        path[operation.method().as_str().to_ascii_lowercase()] = operation.render(&mut schemas, &mut bodies);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "orders",
            "version": "1",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": chapters,
        "paths": paths,
        "components": {
            "securitySchemes": { "apiKey": operation::security_scheme() },
            "parameters": parameters::components(),
            "headers": headers::components(),
            "responses": problems::components(),
            "examples": problems::examples(),
            "schemas": schemas_of(schemas, bodies),
        },
    })
}

/// The document as it is written: what `/openapi.json` answers, `orders openapi` prints, and `docs/api/openapi.json`
/// is.
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn schemas_of(mut generator: SchemaGenerator, bodies: Map<String, Value>) -> Map<String, Value> {
    // Bodies name it also where no answer does.
    generator.subschema_for::<MoneyValue>();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problems::schema());
    schemas.insert("Fault".to_owned(), problems::fault_schema());
    schemas.extend(bodies);
    schemas.sort_keys();
    schemas
}

#[cfg(test)]
mod tests;
