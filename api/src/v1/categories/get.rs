//! `GET /v1/categories/{slug}`: one category, removed or not, from its own history: as new as an `If-Match` needs it.

use super::super::incoming::Resource;
use super::super::reads::{Read, Wanted, versioned};
use super::slug;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadProducts;
use crate::http::query::Query;
use crate::problem::{Problem, rejection};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::category::Category;
use http::HeaderMap;
use projections::Projection;
use projections::categories::Categories;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadProducts>,
    slug::InPath(slug): slug::InPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let wanted = Wanted::of(&headers)?;
    let mut read = Read::new(&app, Categories::NAME);
    let (snapshot, position) = read.load::<Category>(slug.as_str(), &wanted).await?;
    let body = Category::json(&snapshot).ok_or_else(rejection::not_found::<Category>)?;
    Ok(versioned(read.answer(position, body), snapshot.version, &headers))
}
