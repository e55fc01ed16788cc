//! `GET /v1/ops/consumers`: the groups, with lag, members and state. `GET /v1/ops/consumers/{name}`: one of them.

use super::super::super::reads::json_of;
use super::resource::GroupsResource;
use super::{GroupResource, Name};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use std::sync::Arc;

pub(in crate::v1) async fn list(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let groups = within(app.monitor.groups()).await?;
    json_of(&GroupsResource { data: groups.iter().map(GroupResource::from).collect() })
}

pub(in crate::v1) async fn show(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    Name(name): Name,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    one(&app, &name).await
}

/// One group.
pub(super) async fn one(app: &App, name: &str) -> Result<Response, Problem> {
    json_of(&GroupResource::from(&within(app.monitor.group(name)).await?))
}

/// One group, of which something was instructed just now.
pub(super) async fn as_instructed(app: &App, name: &str) -> Result<Response, Problem> {
    app.monitor.groups_have_changed();
    one(app, name).await
}
