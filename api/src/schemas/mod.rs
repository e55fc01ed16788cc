//! What programs need to read events elsewhere, as documents: a JSON Schema of each version of each event type, an
//! index of them, and AsyncAPI for what comes by Kafka and by WebSocket.
//!
//! They are made of the types that are stored, published and sent, and hold nothing secret: no key is asked for. The
//! same documents are kept in `docs/api`, so that a change of one is seen; a test holds them together.

mod asyncapi;
mod document;
mod operations;

pub use document::Document;
pub(crate) use operations::operations;

use crate::http::{Produces, Routes};
use axum::routing::get;
use consumers::topics::Topics;
use domain::wire::{self, EventSchema};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The path of the index.
pub const INDEX: &str = "/schemas/index.json";
/// The template of the path of the schema of a version of an event, as in `OrderPlaced/2.json`.
const EVENT: &str = "/schemas/events/{event}/{file}";
/// The path of the AsyncAPI document.
pub const ASYNCAPI: &str = "/asyncapi.json";

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(make);

/// All documents, in the order in which the index names them.
pub fn documents() -> &'static [Document] {
    &DOCUMENTS
}

/// The path of the schema of a version of an event.
pub fn path_of(schema: &EventSchema) -> String {
    format!("/schemas/events/{}/{}.json", schema.event_type, schema.event_version)
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .always(ASYNCAPI, Produces::Json, get(document::handle))
        .always("/schemas", Produces::Json, get(document::index))
        .always("/schemas/", Produces::Json, get(document::index))
        .always(INDEX, Produces::Json, get(document::handle))
        .always(EVENT, Produces::Json, get(document::handle))
}

fn make() -> Vec<Document> {
    let (schemas, topics) = (wire::schemas(), Topics::new(""));
    let mut documents = vec![
        Document::new(INDEX.to_owned(), &index(&schemas, &topics)),
        Document::new(ASYNCAPI.to_owned(), &asyncapi::document(&schemas, &topics)),
    ];
    documents.extend(schemas.iter().map(|schema| Document::new(path_of(schema), &schema.schema)));
    documents
}

fn index(schemas: &[EventSchema], topics: &Topics) -> Value {
    let entry = |schema: &EventSchema| {
        json!({
            "type": schema.event_type,
            "version": schema.event_version,
            "written_today": wire::is_current(schema.event_type, schema.event_version),
            "aggregate_type": schema.aggregate_type.as_str(),
            "topic": topics.of(schema.aggregate_type),
            "schema": path_of(schema),
        })
    };
    json!({ "asyncapi": ASYNCAPI, "events": schemas.iter().map(entry).collect::<Vec<_>>() })
}
