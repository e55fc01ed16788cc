//! `GET /v1/ops/status`: how the system is at this moment, as this process sees it. `GET /v1/ops/status/history`: how
//! it was within the last hour.

pub(super) mod operations;

use super::super::reads::json_of;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use std::sync::Arc;

/// What is kept.
pub(in crate::v1) const MAX_MINUTES: u64 = 60;

pub(in crate::v1) async fn now(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    json_of(&*within(app.monitor.status()).await?)
}

pub(in crate::v1) async fn history(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let minutes = query.number("minutes", 1, MAX_MINUTES).unwrap_or(MAX_MINUTES);
    query.finish()?;
    json_of(&app.monitor.history(minutes))
}
