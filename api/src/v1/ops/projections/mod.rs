//! `/v1/ops/projections`: the read models with their builds, and what is decided about these.

mod compare;
mod exchange;
mod name;
pub(super) mod operations;
mod refusal;
mod resource;

pub(crate) use compare::DiffResource;
pub(in crate::v1) use compare::handle as diff;
pub(in crate::v1) use exchange::{promote, rebuild, rollback};
pub(crate) use resource::ViewsResource;

use super::super::reads::json_of;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::lead::held;
use resource::ViewResource;
use std::sync::Arc;

/// `GET /v1/ops/projections`: all read models.
pub(in crate::v1) async fn list(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    json_of(&found(&app).await?)
}

/// `GET /v1/ops/projections/{name}`: one, and how far its builds are.
pub(in crate::v1) async fn one(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    name::InPath(name): name::InPath,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    json_of(&view(&app, &name).await?)
}

async fn found(app: &App) -> Result<ViewsResource, Problem> {
    let (head, views) = within(::projections::overview_counted(&app.views)).await?;
    let leases = within(held(app.log.pool())).await?;
    Ok(ViewsResource::of(head, &views, &leases))
}

async fn view(app: &App, name: &str) -> Result<ViewResource, Problem> {
    let view = found(app).await?.data.into_iter().find(|view| view.name == name);
    view.ok_or_else(refusal::not_found)
}
