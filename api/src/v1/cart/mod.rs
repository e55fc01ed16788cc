//! `/v1/cart`: the cart of a client's guest.
//!
//! A client has as many carts as it has guests: which one a request is about is told by the header `Orders-Cart`, the id that
//! the first addition answered with. Ids can't be guessed, so a guest's app needs no account and no session to keep its cart,
//! and none gets at another's. An order is placed by `POST /v1/orders`, with the lines of the cart and its total as
//! `expected_total`.
//!
//! Setting and removing may be repeated. Adding adds each time: a client that lost an answer looks at the cart first.

pub(super) mod add_item;
pub(super) mod change_item;
pub(super) mod get;
mod operations;
pub(super) mod remove_item;
mod resource;

pub(super) use operations::operations;

use crate::http::App;
use crate::problem::{Code, Place, Problem};
use axum::extract::FromRequestParts;
use axum::response::Response;
use commands::shop::carts::{self, CartError, CartRef};
use domain::order::{ItemProblem, LineError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The id of a cart.
const ORDERS_CART: HeaderName = HeaderName::from_static("orders-cart");

/// The cart that a request names, if it names one. What is no id is no cart: 404.
pub(in crate::v1) struct Named(Option<Uuid>);

impl<S: Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

impl Named {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(ORDERS_CART).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let id = value.to_str().ok().and_then(|text| text.parse().ok());
        let id = id.filter(|_| values.next().is_none()).ok_or_else(not_found)?;
        Ok(Self(Some(id)))
    }

    /// For what is about a cart that is there already.
    fn required(self) -> Result<Uuid, Problem> {
        self.0.ok_or_else(|| {
            Problem::new(Code::InvalidHeader, "Send the id of a cart as Orders-Cart; POST /v1/cart/items makes one.")
                .error(Place::Header("Orders-Cart"), "missing", "is required")
        })
    }
}

/// The whole cart, at today's prices.
async fn answer(app: &App, id: Uuid) -> Result<Response, Problem> {
    let cart = carts::read(app.log.pool(), CartRef::Client(id)).await?.ok_or_else(not_found)?;
    let body = resource::of(id, &cart, &app.gateway.prices())?;
    let mut response = super::reads::json(body);
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(ORDERS_CART, id);
    }
    Ok(response)
}

fn not_found() -> Problem {
    Problem::new(Code::CartNotFound, "There is no such cart: it has expired, or never was.")
}

/// What a client is told of a cart that was not changed.
fn problem(error: CartError) -> Problem {
    match error {
        CartError::NoCart => not_found(),
        CartError::NotInCart => Problem::new(Code::NotInCart, "The cart has no line of this product."),
        CartError::TooManyLines => rejected(ItemProblem::Line(LineError::TooMany)),
        CartError::TooMuch => rejected(ItemProblem::Line(LineError::QuantityTooLarge)),
        CartError::Database(error) => error.into(),
    }
}

/// The same as is told of an item of an order.
fn rejected(problem: ItemProblem) -> Problem {
    let (pointer, code) = match problem {
        ItemProblem::UnknownSku => ("/sku", "unknown_sku"),
        ItemProblem::Withdrawn => ("/sku", "withdrawn"),
        ItemProblem::OtherCurrency { .. } => ("/sku", "other_currency"),
        ItemProblem::Line(LineError::QuantityTooLarge) => ("/quantity", "out_of_range"),
        ItemProblem::Line(LineError::TooMany) => ("/sku", "too_many_lines"),
    };
    Problem::new(Code::ItemsRejected, "The item can't be put into the cart.").error(
        Place::Pointer(pointer.to_owned()),
        code,
        problem.to_string(),
    )
}
