//! A category as clients see it: the same JSON from a command, from the list, and from the log.

use super::super::incoming::Resource;
use super::super::time;
use crate::openapi::Instant;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use domain::category::Category;
use projections::categories::CategoryRow;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Category")]
pub(super) struct CategoryResource<'c> {
    slug: &'c str,
    name: &'c str,
    translations: BTreeMap<&'c str, &'c str>,
    removed: bool,
    /// The `ETag` without its quotes.
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    added_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    updated_at: DateTime<Utc>,
}

impl<'c> CategoryResource<'c> {
    /// From the list.
    pub(super) fn of_row(row: &'c CategoryRow) -> Self {
        Self {
            slug: &row.slug,
            name: &row.name,
            translations: row.translations.iter().map(|(language, name)| (language.as_str(), name.as_str())).collect(),
            removed: row.removed,
            version: row.version,
            added_at: row.added_at,
            updated_at: row.updated_at,
        }
    }

    /// From the category's own history; `None` before it is added.
    fn of_snapshot(snapshot: &'c Snapshot<Category>) -> Option<Self> {
        let Category::Listed(listed) = &snapshot.state else { return None };
        Some(Self {
            slug: listed.slug.as_str(),
            name: listed.name.as_str(),
            translations: listed
                .translations
                .iter()
                .map(|(language, name)| (language.as_str(), name.as_str()))
                .collect(),
            removed: listed.removed,
            version: snapshot.version,
            added_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
        })
    }
}

impl Resource for Category {
    fn json(snapshot: &Snapshot<Self>) -> Option<String> {
        serde_json::to_string(&CategoryResource::of_snapshot(snapshot)?).ok()
    }

    fn path(id: &str) -> String {
        format!("/v1/categories/{id}")
    }
}
