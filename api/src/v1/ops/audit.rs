//! `GET /v1/ops/audit`: what operators did, the newest first. `actor`, `action` (`parked.retry`, or `parked.` for all
//! that begin so) and `target` narrow it down.

use super::super::paging::{List, PageRequest};
use super::super::reads::json;
use super::super::time;
use super::words::Words;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use commands::audit::{self, Filter, Line};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperatorAction")]
pub(crate) struct ActionResource<'a> {
    id: i64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    at: DateTime<Utc>,
    /// A key's id, `staff:` with the id of an account, or `cli:` with user and host.
    actor: &'a str,
    /// What was done, such as `parked.retry`.
    action: &'a str,
    /// To what; empty where `arguments` say it.
    target: &'a str,
    #[schemars(with = "HashMap<String, Value>")]
    arguments: &'a Value,
    /// To how many things, where that can be counted.
    count: Option<u64>,
    /// `done`, `refused` or `failed`.
    outcome: &'static str,
    /// Why it was not done.
    detail: Option<&'a str>,
}

impl<'a> From<&'a Line> for ActionResource<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            id: line.id,
            at: line.acted_at,
            actor: &line.actor,
            action: &line.action,
            target: &line.target,
            arguments: &line.arguments,
            count: line.count,
            outcome: line.outcome.as_str(),
            detail: line.detail.as_deref(),
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let mut words = |name| query.parsed(name, Words::parse).map(|words| words.0);
    let filter = Filter { actor: words("actor"), action: words("action"), target: words("target") };
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let list = List::new("audit", &format!("{filter:?}"));
    let before = page.after::<u64>(&list)?.map(u64::cast_signed);
    let lines = within(audit::list(app.log.pool(), &filter, before, page.limit)).await?;
    Ok(json(list.page_of(&lines, page.limit, |line| line.id, ActionResource::from)))
}
