//! `GET /v1/products`: the catalogue in the order of skus, withdrawn products included.

use super::super::paging::{List, PageRequest};
use super::super::reads::Read;
use super::resource::ProductResource;
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
use projections::products::{self, Products};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadProducts>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let list = List::new("products", "");
    let after: Option<Sku> = page.after(&list)?;
    let mut read = Read::begin(&app, Products::NAME, &headers).await?;
    let seen = read.run(products::list(&app.views, after.as_ref(), page.limit)).await?;
    let next = seen.value.next.as_deref().and_then(|sku| Sku::parse(sku).ok());
    let data = seen.value.rows.iter().map(ProductResource::of_row).collect();
    Ok(read.answer(seen.position, list.page(data, next.as_ref())))
}
