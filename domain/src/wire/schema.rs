//! JSON Schemas (draft 7) of the stored shapes, for whoever reads events with another program.
//!
//! They are made of the types that read what is stored, and say what is written: a member that may be missing is left
//! out and never `null`. As a version that was ever stored does not change, neither does its schema; it is kept in
//! `docs/api/schemas`, where the tests hold it against the type.

use super::{category, newsletter, order, product};
use crate::event::AggregateType;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of one version of one event type.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSchema {
    /// Whose events these are.
    pub aggregate_type: AggregateType,
    /// The event's type, such as `OrderPlaced`.
    pub event_type: &'static str,
    /// The version of its shape, such as `1`.
    pub event_version: &'static str,
    /// The schema of a payload as it is stored and published, with the tag that names the type.
    pub schema: Value,
}

/// How the shape of a version is described.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// Describes `V`.
pub(super) fn of<V: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<V>()
}

/// The schemas of all versions, in the order of [`versions`](super::versions).
pub fn schemas() -> Vec<EventSchema> {
    let orders = order::SHAPES.iter().map(|shape| shape.event_schema(AggregateType::Order));
    let products = product::SHAPES.iter().map(|shape| shape.event_schema(AggregateType::Product));
    let categories = category::SHAPES.iter().map(|shape| shape.event_schema(AggregateType::Category));
    let newsletters = newsletter::SHAPES.iter().map(|shape| shape.event_schema(AggregateType::Newsletter));
    orders.chain(products).chain(categories).chain(newsletters).collect()
}

impl<E> super::Shape<E> {
    fn event_schema(&self, aggregate_type: AggregateType) -> EventSchema {
        let (event_type, event_version) = self.name();
        EventSchema {
            aggregate_type,
            event_type,
            event_version,
            schema: tagged(event_type, event_version, self.describe),
        }
    }
}

/// The schema of `{"<event_type>":…}`.
pub(super) fn tagged(event_type: &str, event_version: &str, describe: Describe) -> Value {
    let mut generator = SchemaSettings::draft07().for_serialize().into_generator();
    let shape = describe(&mut generator);
    let mut definitions = generator.take_definitions(true);
    definitions.values_mut().for_each(without_null);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": format!("{event_type}, version {event_version}"),
        "type": "object",
        "properties": { (event_type): shape },
        "required": [event_type],
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// Takes `null` from the members of an object that may be left out: that is how they are missing.
fn without_null(object: &mut Value) {
    let required: Vec<String> = match object.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let Some(Value::Object(members)) = object.get_mut("properties") else { return };
    for (name, member) in members.iter_mut() {
        if let (false, Value::Object(member)) = (required.contains(name), member) {
            member_without_null(member);
        }
    }
}

fn member_without_null(member: &mut Map<String, Value>) {
    // `"type": ["string", "null"]`
    if let Some(Value::Array(types)) = member.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            member.insert("type".to_owned(), only);
        }
    }
    // `"anyOf": [{"$ref": …}, {"type": "null"}]`
    if let Some(Value::Array(forms)) = member.get_mut("anyOf") {
        forms.retain(|form| form["type"] != "null");
        if let [Value::Object(only)] = &forms[..] {
            let only = only.clone();
            member.remove("anyOf");
            if member.is_empty() {
                member.extend(only);
            } else {
                // Draft 7 heeds nothing beside a `$ref`.
                member.insert("allOf".to_owned(), json!([only]));
            }
        }
    }
}
