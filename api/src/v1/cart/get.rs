//! `GET /v1/cart`: what is in a cart, at today's prices.

use super::Named;
use crate::auth::Allowed;
use crate::auth::permission::UseCarts;
use crate::http::App;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<UseCarts>,
    named: Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    super::answer(&app, named.required()?).await
}
