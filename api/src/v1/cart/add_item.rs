//! `POST /v1/cart/items`: adds to a cart, and makes one where the request names none.

use super::super::incoming::Incoming;
use super::super::orders::place;
use super::{Reached, problem, rejected};
use crate::http::body::{self, Accepts};
use crate::http::{App, RequestId};
use crate::problem::{Problem, within};
use axum::extract::{Request, State};
use axum::response::Response;
use commands::shop::carts::{self, CartRef};
use domain::Sku;
use domain::order::ItemProblem;
use domain::product::Status;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    Reached { allowed, cart: reached }: Reached,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let item = body::read(&incoming.body, place::item)?;
    check_sold(&app, &item.sku).await?;
    let (pool, now) = (app.log.pool(), app.settings().sessions.clock.now());
    let cart = match reached {
        Some(cart) => cart,
        None => CartRef::Client(carts::create(pool, now).await?),
    };
    carts::add(pool, cart, &item.sku, item.quantity, now).await.map_err(problem)?;
    let mut response = super::answer(&app, cart).await?;
    if reached.is_none() {
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/v1/cart"));
    }
    Ok(response)
}

/// Refuses what is not sold. What is known in memory may admit, but only the log refuses.
async fn check_sold(app: &App, sku: &Sku) -> Result<(), Problem> {
    let status = |prices: domain::Prices| prices.listing(sku).map(|listing| listing.status);
    if status(app.gateway.prices()) == Some(Status::Active) {
        return Ok(());
    }
    match status(within(app.gateway.prices_at_head()).await?) {
        Some(Status::Active) => Ok(()),
        Some(Status::Withdrawn) => Err(rejected(ItemProblem::Withdrawn)),
        None => Err(rejected(ItemProblem::UnknownSku)),
    }
}
