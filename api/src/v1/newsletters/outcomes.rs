//! `GET /v1/newsletters/{id}/outcomes`: what became of an issue, counted by subscribers. All are 0 before it is
//! released; those whose turn has not come are in none.

use super::super::reads::json_of;
use super::id;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteNewsletters;
use crate::http::query::Query;
use crate::problem::{Problem, rejection, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::subscribers::issues;
use domain::newsletter::Newsletter;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Subscribers, by what became of the issue for them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IssueOutcomes")]
pub(super) struct OutcomesResource {
    /// It was sent.
    sent: i64,
    /// It is to be tried again.
    waiting: i64,
    /// It was refused for good, or tried often enough.
    failed: i64,
    /// Nobody knows whether it was sent.
    unknown: i64,
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<WriteNewsletters>,
    id::InPath(id): id::InPath,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let issue = within(app.gateway.load::<Newsletter>(&id.to_string())).await?;
    if issue.state.content().is_none() {
        return Err(rejection::not_found::<Newsletter>());
    }
    let issues::Counts { sent, waiting, failed, unknown } = within(issues::count(app.log.pool(), id.0)).await?;
    let outcomes = OutcomesResource { sent, waiting, failed, unknown };
    json_of(&outcomes)
}
