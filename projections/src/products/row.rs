//! A product as the list has it.

use crate::read::money;
use chrono::{DateTime, Utc};
use domain::Money;
use domain::product::Status;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use std::collections::BTreeMap;

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRow {
    /// Its key.
    pub sku: String,
    /// Its name, in the shop's own language.
    pub name: String,
    /// What it is, in the shop's own language.
    pub description: Option<String>,
    /// What one costs.
    pub price: Money,
    /// Whether it can be ordered.
    pub status: Status,
    /// Whether it has to be sent to somewhere.
    pub requires_shipping: bool,
    /// The slugs of the categories that it stands in. One of a category that was removed, or never was, stands for
    /// nothing.
    pub categories: Vec<String>,
    /// Whether it is shown on the shop's first page.
    pub featured: bool,
    /// The name of its picture.
    pub picture: Option<String>,
    /// By language, what is said of it there.
    pub translations: BTreeMap<String, WordsRow>,
    /// Counts its events; what `If-Match` names.
    pub version: u64,
    /// When it entered the catalogue.
    pub added_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is said of a product in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordsRow {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
}

/// The columns of a [`ProductRow`].
pub(super) const COLUMNS: &str = "sku, name, description, price, currency, status, requires_shipping, categories, \
     featured, picture, translations, version, added_at, updated_at";

impl ProductRow {
    /// All words in all languages, as a search looks through them.
    pub(super) fn search_text(&self) -> String {
        let own = [Some(&self.name), self.description.as_ref()];
        let translated = self.translations.values().flat_map(|words| [Some(&words.name), words.description.as_ref()]);
        let texts: Vec<&str> = own.into_iter().chain(translated).flatten().map(String::as_str).collect();
        texts.join("\n").to_lowercase()
    }
}

impl<'r> FromRow<'r, PgRow> for ProductRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            price: money(row, "price")?,
            status: parse_status(row.try_get("status")?)?,
            requires_shipping: row.try_get("requires_shipping")?,
            categories: row.try_get("categories")?,
            featured: row.try_get("featured")?,
            picture: row.try_get("picture")?,
            translations: row.try_get::<Json<_>, _>("translations")?.0,
            version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            added_at: row.try_get("added_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

pub(super) const fn status_text(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Withdrawn => "withdrawn",
    }
}

fn parse_status(text: &str) -> Result<Status, sqlx::Error> {
    [Status::Active, Status::Withdrawn]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| sqlx::Error::Decode("the status is not a known one".into()))
}
