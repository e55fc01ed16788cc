//! `GET /v1/newsletters/{id}`: one issue, from its own history.

use super::super::incoming::Resource;
use super::super::reads::{Read, Wanted, versioned};
use super::id;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteNewsletters;
use crate::http::query::Query;
use crate::problem::{Problem, rejection};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::newsletter::Newsletter;
use http::HeaderMap;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<WriteNewsletters>,
    id::InPath(id): id::InPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let wanted = Wanted::of(&headers)?;
    let mut read = Read::new(&app, "newsletter");
    let (snapshot, position) = read.load::<Newsletter>(&id.to_string(), &wanted).await?;
    let body = Newsletter::json(&snapshot).ok_or_else(rejection::not_found::<Newsletter>)?;
    Ok(versioned(read.answer(position, body), snapshot.version, &headers))
}
