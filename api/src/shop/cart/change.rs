//! `POST /cart/add/`, `/cart/change/`, `/cart/remove/`: changes the cart and leads back to it.
//!
//! The form that adds is the same for every visitor, so that the pages that it stands on are, too; it relies on the
//! browser telling where it comes from. The others carry the token of the session.

use super::super::{Fault, Posted, Visit, checkout};
use super::{PATH, show};
use crate::app::App;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::shop::carts::{self, CartError, CartRef};
use domain::product::Status;
use domain::{Quantity, Sku};
use http::StatusCode;
use std::sync::Arc;

/// `sku`, and `quantity` if it is not one.
pub(super) async fn add(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    let sku = sku(&posted)?;
    match sold(&app, &sku).await? {
        None => return Err(Fault::NotFound),
        // Its page says so.
        Some(Status::Withdrawn) => return visit.see_other(&format!("/products/{sku}/")),
        Some(Status::Active) => {}
    }
    let Some(quantity) = quantity(posted.get("quantity").unwrap_or("1")).and_then(Result::ok) else {
        return refused(&app, &visit, "cart-quantity").await;
    };
    checkout::settle(&app, &visit).await?;
    let session = visit.begin(&app).await?;
    let cart = CartRef::Visitor(session.cart_id);
    let added = carts::add(app.log.pool(), cart, &sku, quantity, visit.session.now()).await;
    outcome(&app, &visit, added.map(drop)).await
}

/// `sku` and `quantity`; none of it is as good as removing it.
pub(super) async fn change(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let sku = sku(&posted)?;
    checkout::settle(&app, &visit).await?;
    let Some(session) = visit.session.get().await? else { return visit.see_other(PATH) };
    let (cart, now) = (CartRef::Visitor(session.cart_id), visit.session.now());
    let changed = match posted.get("quantity").and_then(quantity) {
        None => return refused(&app, &visit, "cart-quantity").await,
        Some(Ok(quantity)) => carts::set(app.log.pool(), cart, &sku, quantity, now).await,
        Some(Err(Nothing)) => carts::remove(app.log.pool(), cart, &sku, now).await,
    };
    outcome(&app, &visit, changed).await
}

/// `sku`.
pub(super) async fn remove(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let sku = sku(&posted)?;
    checkout::settle(&app, &visit).await?;
    let Some(session) = visit.session.get().await? else { return visit.see_other(PATH) };
    let cart = CartRef::Visitor(session.cart_id);
    let removed = carts::remove(app.log.pool(), cart, &sku, visit.session.now()).await;
    outcome(&app, &visit, removed).await
}

fn sku(posted: &Posted) -> Result<Sku, Fault> {
    posted.get("sku").and_then(|text| Sku::parse(text).ok()).ok_or(Fault::NotFound)
}

/// Whether a product is sold; `None` where there is none. What is known in memory may admit, but only the log refuses.
async fn sold(app: &App, sku: &Sku) -> Result<Option<Status>, Fault> {
    let status = |prices: domain::Prices| prices.listing(sku).map(|listing| listing.status);
    match status(app.gateway.prices()) {
        Some(Status::Active) => Ok(Some(Status::Active)),
        _ => Ok(status(app.gateway.prices_at_head().await.map_err(Problem::from)?)),
    }
}

/// None at all.
struct Nothing;

/// How many a visitor asks for; `None` for what is no quantity.
fn quantity(text: &str) -> Option<Result<Quantity, Nothing>> {
    match text.trim().parse::<u32>().ok()? {
        0 => Some(Err(Nothing)),
        number => Quantity::try_from(number).ok().map(Ok),
    }
}

async fn outcome(app: &App, visit: &Visit, outcome: Result<(), CartError>) -> Result<Response, Fault> {
    visit.session.changed().await;
    match outcome {
        // What was to be changed is gone already, as another tab did it: the cart shows what there is.
        Ok(()) | Err(CartError::NotInCart) => visit.see_other(PATH),
        Err(CartError::TooManyLines) => refused(app, visit, "cart-full").await,
        Err(CartError::TooMuch) => refused(app, visit, "cart-quantity").await,
        // The session ended at this moment.
        Err(CartError::NoCart) => Err(Fault::Unavailable(1)),
        Err(CartError::Database(error)) => Err(Problem::from(error).into()),
    }
}

/// The cart as it is, and why it was not changed.
async fn refused(app: &App, visit: &Visit, notice: &str) -> Result<Response, Fault> {
    let mut response = show::show(app, visit, Some(notice)).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}
