//! `GET /v1/ops/status`: how the system is at this moment, as this process sees it. `GET /v1/ops/status/history`: how it was within the
//! last hour.

use super::super::reads::json;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::App;
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// What is kept.
pub(in crate::v1) const MAX_MINUTES: u64 = 60;

pub(in crate::v1) async fn now(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    Ok(json(text(&*within(app.monitor.status()).await?)))
}

pub(in crate::v1) async fn history(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let minutes = query.number("minutes", 1, MAX_MINUTES).unwrap_or(MAX_MINUTES);
    query.finish()?;
    Ok(json(text(&app.monitor.history(minutes))))
}

fn text(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap_or_else(|_| unreachable!("a struct of numbers and texts is always JSON"))
}
