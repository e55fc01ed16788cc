//! The schemas of values in answers whose own types are of crates that know nothing of documents.

use crate::http::body::Shaped;
use domain::money::Currency;
use domain::{Quantity, Sku};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::Value;
use std::borrow::Cow;

/// [`domain::Money`].
pub(crate) struct MoneyValue;

impl JsonSchema for MoneyValue {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "An exact amount of one currency. The amount is a string, so that no float comes near it.",
            "properties": {
                "amount": {
                    "type": "string",
                    "pattern": "^[0-9]+(\\.[0-9]+)?$",
                    "description": "A decimal number; at most as many places as the currency has, and exactly so many in answers.",
                },
                "currency": Currency::shape(),
            },
            "required": ["amount", "currency"],
            "additionalProperties": false,
        })
    }
}

/// A line of an order: [`projections::order_list::Item`].
pub(crate) struct OrderItem;

impl JsonSchema for OrderItem {
    fn schema_name() -> Cow<'static, str> {
        "OrderItem".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let money = schemas.subschema_for::<MoneyValue>();
        json_schema!({
            "type": "object",
            "description": "A line: how many of a product, at the price of its day.",
            "properties": {
                "sku": Sku::shape(),
                "name": { "type": "string" },
                "unit_price": money,
                "quantity": Quantity::shape(),
                "cost": money,
            },
            "required": ["sku", "name", "unit_price", "quantity", "cost"],
        })
    }
}

/// A time as it is answered: RFC 3339 in UTC, with microseconds.
pub(crate) struct Instant;

impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let shape: Value = chrono::DateTime::<chrono::Utc>::shape();
        Schema::try_from(shape).unwrap_or_default()
    }
}
