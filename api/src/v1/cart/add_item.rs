//! `POST /v1/cart/items`: adds to a cart, and makes one where the request names none. With an `Idempotency-Key` it does
//! so once, however often it is sent.

use super::super::incoming::{IDEMPOTENT_REPLAYED, Incoming};
use super::super::orders::place;
use super::{Reached, problem, rejected, resource};
use crate::app::App;
use crate::http::RequestId;
use crate::http::body::{self, Accepts};
use crate::problem::{Problem, rejection, within};
use axum::extract::{Request, State};
use axum::response::Response;
use commands::shop::additions::{self, Added, Addition, AdditionError};
use commands::shop::carts::{self, Cart, CartRef};
use commands::{Answer, IdempotencyKey};
use domain::Sku;
use domain::order::ItemProblem;
use domain::product::Status;
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Where the cart is, for whoever names it.
const PATH: &str = "/v1/cart";

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    Reached { allowed, cart: reached }: Reached,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let item = body::read(&incoming.body, place::item)?;
    let key = incoming.idempotency_key()?.map(|key| about(key, reached));
    let (pool, now) = (app.log.pool(), app.settings().sessions.clock.now());
    // What was done is told again, also when it could not be done any more.
    if let Some(key) = &key
        && let Some(before) = additions::made(pool, key).await.map_err(not_added)?
    {
        return told(before, reached);
    }
    check_sold(&app, &item.sku).await?;
    if let Some(key) = &key {
        let addition = Addition { cart: reached, sku: &item.sku, quantity: item.quantity };
        let prices = app.gateway.prices();
        let answer = |id, cart: &Cart| answer(reached, resource::of(id, cart, &prices).unwrap_or_default());
        return told(additions::make(pool, key, addition, now, answer).await.map_err(not_added)?, reached);
    }
    let cart = match reached {
        Some(cart) => cart,
        None => CartRef::Client(carts::create(pool, now).await?),
    };
    carts::add(pool, cart, &item.sku, item.quantity, now).await.map_err(problem)?;
    let response = super::answer(&app, cart).await?;
    Ok(if reached.is_none() { created(response) } else { response })
}

/// The cart belongs to what is asked: the same for another cart is another request.
fn about(key: IdempotencyKey, cart: Option<CartRef>) -> IdempotencyKey {
    let Some(cart) = cart else { return key };
    let digest = Sha256::new().chain_update(key.request_digest).chain_update(cart.id().as_bytes());
    IdempotencyKey { request_digest: digest.finalize().into(), ..key }
}

fn answer(reached: Option<CartRef>, body: String) -> Answer {
    let status = if reached.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    Answer { status: status.as_u16(), location: reached.is_none().then(|| PATH.to_owned()), etag: None, body }
}

fn told(added: Added, reached: Option<CartRef>) -> Result<Response, Problem> {
    let Added { answer, replayed } = added;
    let id = resource::id_of(&answer.body).ok_or_else(Problem::internal)?;
    let mut response = super::response(id, answer.body);
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(if reached.is_none() { created(response) } else { response })
}

fn created(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(PATH));
    response
}

fn not_added(error: AdditionError) -> Problem {
    match error {
        AdditionError::Cart(error) => problem(error),
        AdditionError::KeyReused => rejection::key_reused(),
    }
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
