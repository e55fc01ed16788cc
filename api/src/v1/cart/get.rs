//! `GET /v1/cart`: what is in a cart, at today's prices.

use super::Reached;
use crate::app::App;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    reached: Reached,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let (_, cart) = reached.required()?;
    super::answer(&app, cart).await
}
