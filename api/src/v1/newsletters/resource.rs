//! An issue of the newsletter as clients see it.

use super::super::incoming::Resource;
use super::super::time;
use crate::openapi::Instant;
use chrono::{DateTime, Utc};
use commands::Snapshot;
use domain::newsletter::{IssueWords, Newsletter};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Issue")]
pub(super) struct IssueResource<'i> {
    id: &'i str,
    subject: &'i str,
    text: &'i str,
    translations: BTreeMap<&'i str, WordsResource<'i>>,
    released: bool,
    /// The `ETag` without its quotes.
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    updated_at: DateTime<Utc>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IssueWords")]
struct WordsResource<'i> {
    subject: &'i str,
    text: &'i str,
}

impl<'i> WordsResource<'i> {
    fn of(words: &'i IssueWords) -> Self {
        Self { subject: words.subject.as_str(), text: words.text.as_str() }
    }
}

impl<'i> IssueResource<'i> {
    fn of(snapshot: &'i Snapshot<Newsletter>) -> Option<Self> {
        let content = snapshot.state.content()?;
        let translations = content.translations.iter();
        Some(Self {
            id: &snapshot.id,
            subject: content.words.subject.as_str(),
            text: content.words.text.as_str(),
            translations: translations.map(|(language, words)| (language.as_str(), WordsResource::of(words))).collect(),
            released: snapshot.state.is_released(),
            version: snapshot.version,
            created_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
        })
    }
}

impl Resource for Newsletter {
    fn json(snapshot: &Snapshot<Self>) -> Option<String> {
        serde_json::to_string(&IssueResource::of(snapshot)?).ok()
    }

    fn path(id: &str) -> String {
        format!("/v1/newsletters/{id}")
    }
}
