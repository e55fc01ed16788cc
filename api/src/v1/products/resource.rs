//! A product as clients see it: the same JSON from a command, from the list, and from the log.

use super::super::incoming::Resource;
use super::super::time;
use crate::openapi::{Instant, MoneyValue};
use crate::problem::rejection;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use domain::product::{PictureName, Product, Words};
use domain::{Money, Slug};
use projections::products::{ProductRow, WordsRow};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Product")]
pub(super) struct ProductResource<'p> {
    sku: &'p str,
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    #[schemars(with = "MoneyValue")]
    price: Money,
    /// `active` or `withdrawn`.
    status: &'static str,
    requires_shipping: bool,
    categories: Vec<&'p str>,
    featured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'p str>,
    translations: BTreeMap<&'p str, WordsResource<'p>>,
    /// The `ETag` without its quotes.
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    added_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    updated_at: DateTime<Utc>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProductWords")]
struct WordsResource<'p> {
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
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
            requires_shipping: row.requires_shipping,
            categories: row.categories.iter().map(String::as_str).collect(),
            featured: row.featured,
            picture: row.picture.as_deref(),
            translations: row
                .translations
                .iter()
                .map(|(language, words)| (language.as_str(), WordsResource::of_row(words)))
                .collect(),
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
            requires_shipping: listed.requires_shipping,
            categories: listed.categories.iter().map(Slug::as_str).collect(),
            featured: listed.featured,
            picture: listed.picture.as_ref().map(PictureName::as_str),
            translations: listed
                .translations
                .iter()
                .map(|(language, words)| (language.as_str(), WordsResource::of(words)))
                .collect(),
            version: snapshot.version,
            added_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
        })
    }
}

impl<'p> WordsResource<'p> {
    fn of_row(words: &'p WordsRow) -> Self {
        Self { name: &words.name, description: words.description.as_deref() }
    }

    fn of(words: &'p Words) -> Self {
        let description = words.description.as_ref().map(|description| description.as_str());
        Self { name: words.name.as_str(), description }
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
