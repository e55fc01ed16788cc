//! `POST /v1/cart/items`: adds to a cart, and makes one where the request names none. With an `Idempotency-Key` it does so once,
//! however often it is sent.

use super::super::incoming::{IDEMPOTENT_REPLAYED, Incoming};
use super::super::orders::place;
use super::{Named, problem, rejected, resource};
use crate::auth::Allowed;
use crate::auth::permission::UseCarts;
use crate::http::body::{self, Accepts};
use crate::http::{App, RequestId};
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
use uuid::Uuid;

/// Where the cart is, for whoever names it.
const PATH: &str = "/v1/cart";

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<UseCarts>,
    Named(named): Named,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let item = body::read(&incoming.body, place::item)?;
    let key = incoming.idempotency_key()?.map(|key| about(key, named));
    let (pool, now) = (app.log.pool(), app.settings().sessions.clock.now());
    // What was done is told again, also when it could not be done any more.
    if let Some(key) = &key
        && let Some(before) = additions::made(pool, key).await.map_err(not_added)?
    {
        return told(before, named);
    }
    check_sold(&app, &item.sku).await?;
    if let Some(key) = &key {
        let addition = Addition { cart: named, sku: &item.sku, quantity: item.quantity };
        let prices = app.gateway.prices();
        let answer = |id, cart: &Cart| answer(named, resource::of(id, cart, &prices).unwrap_or_default());
        return told(additions::make(pool, key, addition, now, answer).await.map_err(not_added)?, named);
    }
    let id = match named {
        Some(id) => id,
        None => carts::create(pool, now).await?,
    };
    carts::add(pool, CartRef::Client(id), &item.sku, item.quantity, now).await.map_err(problem)?;
    let response = super::answer(&app, id).await?;
    Ok(if named.is_none() { created(response) } else { response })
}

/// The cart belongs to what is asked: the same for another cart is another request.
fn about(key: IdempotencyKey, cart: Option<Uuid>) -> IdempotencyKey {
    let Some(cart) = cart else { return key };
    let digest = Sha256::new().chain_update(key.request_digest).chain_update(cart.as_bytes());
    IdempotencyKey { request_digest: digest.finalize().into(), ..key }
}

fn answer(named: Option<Uuid>, body: String) -> Answer {
    let status = if named.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    Answer { status: status.as_u16(), location: named.is_none().then(|| PATH.to_owned()), etag: None, body }
}

fn told(added: Added, named: Option<Uuid>) -> Result<Response, Problem> {
    let Added { answer, replayed } = added;
    let id = resource::id_of(&answer.body).ok_or_else(Problem::internal)?;
    let mut response = super::response(id, answer.body);
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(if named.is_none() { created(response) } else { response })
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
