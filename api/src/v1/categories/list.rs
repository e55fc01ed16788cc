//! `GET /v1/categories`: all categories in the order of their slugs, removed ones included. They are few: there is one
//! page.

use super::super::paging::List;
use super::super::reads::Read;
use super::resource::CategoryResource;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadProducts;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::Sku;
use http::HeaderMap;
use projections::Projection;
use projections::categories::{self, Categories};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadProducts>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let mut read = Read::begin(&app, Categories::NAME, &headers).await?;
    let seen = read.run(categories::list(&app.views)).await?;
    let data = seen.value.iter().map(CategoryResource::of_row).collect();
    Ok(read.answer(seen.position, List::new("categories", "").page(data, None::<&Sku>)))
}
