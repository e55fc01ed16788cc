//! `DELETE /v1/cart/items/{sku}`: takes a product out of a cart.

use super::super::incoming::Incoming;
use super::super::products::sku;
use super::{Reached, problem};
use crate::app::App;
use crate::http::RequestId;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use commands::shop::carts;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    reached: Reached,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let (allowed, cart) = reached.required()?;
    Incoming::receive_nothing(allowed, request_id, request).await?;
    let now = app.settings().sessions.clock.now();
    carts::remove(app.log.pool(), cart, &sku, now).await.map_err(problem)?;
    super::answer(&app, cart).await
}
