//! `PATCH /v1/cart/items/{sku}`: says how many of a product that is in a cart.

use super::super::incoming::Incoming;
use super::super::products::sku;
use super::{Reached, problem};
use crate::app::App;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use commands::shop::carts;
use domain::Quantity;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    reached: Reached,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let (allowed, cart) = reached.required()?;
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::MERGE_PATCH).await?;
    let quantity = body::read(&incoming.body, quantity)?;
    let now = app.settings().sessions.clock.now();
    carts::set(app.log.pool(), cart, &sku, quantity, now).await.map_err(problem)?;
    super::answer(&app, cart).await
}

/// Reads the body of `PATCH /v1/cart/items/{sku}`.
pub(super) fn quantity(body: &mut Fields<'_, '_>) -> Option<Quantity> {
    body.quantity("quantity")
}
