//! `PATCH /v1/cart/items/{sku}`: says how many of a product that is in a cart.

use super::super::incoming::Incoming;
use super::super::products::sku;
use super::{Named, problem};
use crate::auth::Allowed;
use crate::auth::permission::UseCarts;
use crate::http::body::{self, Accepts, Fields};
use crate::http::{App, RequestId};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use commands::shop::carts::{self, CartRef};
use domain::Quantity;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<UseCarts>,
    named: Named,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let id = named.required()?;
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::MERGE_PATCH).await?;
    let quantity = body::read(&incoming.body, quantity)?;
    let now = app.settings().sessions.clock.now();
    carts::set(app.log.pool(), CartRef::Client(id), &sku, quantity, now).await.map_err(problem)?;
    super::answer(&app, id).await
}

/// Reads the body of `PATCH /v1/cart/items/{sku}`.
pub(super) fn quantity(body: &mut Fields<'_, '_>) -> Option<Quantity> {
    body.quantity("quantity")
}
