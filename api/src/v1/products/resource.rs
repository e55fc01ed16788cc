//! A product as clients see it: the same JSON from a command, from the list, and from the log.

use super::super::incoming::Resource;
use super::super::time;
use crate::problem::rejection;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use domain::Money;
use domain::product::Product;
use projections::products::ProductRow;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ProductResource<'p> {
    sku: &'p str,
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    price: Money,
    status: &'static str,
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    added_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    updated_at: DateTime<Utc>,
}

impl<'p> ProductResource<'p> {
    /// From the list.
    pub(super) fn of_row(row: &'p ProductRow) -> Self {
        Self {
            sku: &row.sku,
            name: &row.name,
            description: row.description.as_deref(),
            price: row.price,
            status: rejection::status(row.status),
            version: row.version,
            added_at: row.added_at,
            updated_at: row.updated_at,
        }
    }

    /// From the product's own history; `None` before it is added.
    fn of_snapshot(snapshot: &'p Snapshot<Product>) -> Option<Self> {
        let Product::Listed(listed) = &snapshot.state else { return None };
        Some(Self {
            sku: listed.sku.as_str(),
            name: listed.name.as_str(),
            description: listed.description.as_ref().map(|description| description.as_str()),
            price: listed.price,
            status: rejection::status(listed.status),
            version: snapshot.version,
            added_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
        })
    }
}

impl Resource for Product {
    fn json(snapshot: &Snapshot<Self>) -> Option<String> {
        serde_json::to_string(&ProductResource::of_snapshot(snapshot)?).ok()
    }

    fn path(id: &str) -> String {
        format!("/v1/products/{id}")
    }
}
