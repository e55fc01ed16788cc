//! What a reader of bodies asks for, as JSON Schema (2020-12): told by the reader itself, which is run without a body.

use super::fields::Fields;
use crate::problem::Faults;
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// A value that stands in a request's body or path, as JSON Schema.
///
/// It may allow what parsing refuses, where a schema has no words for that; it never forbids what is accepted, but for
/// white space around a text, which is trimmed before its length counts.
pub trait Shaped {
    /// The schema.
    fn shape() -> Value;
}

/// Whether a member must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It must.
    Required,
    /// It may be missing.
    Optional,
    /// It may be missing, or `null`.
    OrNull,
}

/// What an object's reader asks for.
#[derive(Debug, Default)]
pub(super) struct Schema {
    members: Map<String, Value>,
    required: Vec<Value>,
}

impl Schema {
    pub(super) fn member(&mut self, name: &str, need: Need, shape: Value) {
        if need == Need::Required {
            self.required.push(name.into());
        }
        let shape = if need == Need::OrNull { or_null(shape) } else { shape };
        self.members.insert(name.to_owned(), shape);
    }

    fn into_value(self) -> Value {
        let mut object = json!({ "type": "object", "properties": self.members, "additionalProperties": false });
        if !self.required.is_empty() {
            object["required"] = self.required.into();
        }
        object
    }
}

/// What `read` asks for.
pub fn of<'a, T>(read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>) -> Value {
    let (mut schema, mut faults) = (Schema::default(), Faults::default());
    // It gives nothing: there is nothing to be read.
    drop(read(&mut Fields::asked(&mut schema, &mut faults)));
    schema.into_value()
}

/// What a member is called whose name is a value as well.
pub(super) const ENTRY: &str = "*";

/// An object whose members' names are values as well; `read` reads one that is called [`ENTRY`].
pub(super) fn entries<'a, T>(most: usize, name: Value, read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>) -> Value {
    let shape = of(read)["properties"][ENTRY].take();
    json!({ "type": "object", "propertyNames": name, "additionalProperties": or_null(shape), "maxProperties": most })
}

pub(super) fn list(length: RangeInclusive<usize>, element: Value) -> Value {
    let (least, most) = length.into_inner();
    json!({ "type": "array", "items": element, "minItems": least, "maxItems": most })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// Up to what `bigint` holds.
pub(super) fn whole_number() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX, "format": "int64" })
}

fn or_null(mut shape: Value) -> Value {
    match shape.get_mut("type") {
        Some(kind @ Value::String(_)) => *kind = json!([kind.take(), "null"]),
        _ => return json!({ "anyOf": [shape, { "type": "null" }] }),
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::{City, Description};
    use domain::{Language, Quantity, Sku};

    #[test]
    fn a_reader_tells_what_it_asks_for() {
        let told = of(|body| {
            let sku = body.text("sku", Sku::parse);
            let city = body.optional_text("city", City::parse);
            let paid = body.changed_flag("paid");
            let inner = body.list("items", 1..=3, |item| item.quantity("quantity"));
            Some((sku?, city?, paid?, inner?))
        });
        assert_eq!(told["required"], json!(["sku", "items"]));
        assert_eq!(told["additionalProperties"], false);
        assert_eq!(told["properties"]["sku"], Sku::shape());
        assert_eq!(told["properties"]["city"]["type"], json!(["string", "null"]));
        assert_eq!(told["properties"]["paid"], json!({ "type": "boolean" }));
        let items = &told["properties"]["items"];
        assert_eq!((&items["minItems"], &items["maxItems"]), (&json!(1), &json!(3)));
        assert_eq!(items["items"]["properties"]["quantity"], Quantity::shape());
    }

    #[test]
    fn names_that_are_values_are_told_apart_from_members() {
        let told = of(|body| {
            body.changed_entries("translations", 9, Language::parse, |entries, language| {
                entries.object(language, |words| words.text("description", Description::parse))
            })
        });
        let translations = &told["properties"]["translations"];
        assert_eq!(translations["propertyNames"], Language::shape());
        let words = &translations["additionalProperties"];
        assert_eq!((&words["type"], &words["required"]), (&json!(["object", "null"]), &json!(["description"])));
        assert!(told.get("required").is_none());
    }
}
