//! `/v1/cart`: the cart of a client's guest, or of a member.
//!
//! A client has as many carts as it has guests: which one a request is about is told by the header `Orders-Cart`, the
//! id that the first addition answered with. Ids can't be guessed, so a guest's app needs no account and no session to
//! keep its cart, and none gets at another's. An order is placed by `POST /v1/orders`, with the lines of the cart and
//! its total as `expected_total`.
//!
//! A member's key reaches the member's own cart alone, the one that the pages show; it need not be named.
//!
//! Setting and removing may be repeated. Adding adds each time, unless the request has an `Idempotency-Key`: the same
//! again under the same key adds nothing, and gets the same answer.

pub(super) mod add_item;
pub(super) mod change_item;
pub(super) mod get;
mod operations;
pub(super) mod remove_item;
mod resource;

pub(super) use operations::operations;

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::UseCarts;
use crate::problem::{Code, Place, Problem};
use axum::extract::FromRequestParts;
use axum::response::Response;
use commands::shop::carts::{self, CartError, CartRef};
use commands::shop::member_carts;
use domain::ids::SubjectId;
use domain::order::{ItemProblem, LineError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use projections::order_list::Whose;
use std::sync::Arc;
use uuid::Uuid;

/// The id of a cart.
const ORDERS_CART: HeaderName = HeaderName::from_static("orders-cart");

/// A request with a key that may use carts, about the cart that it reaches: a member's key the member's own, which need
/// not be named; any other the one that is named, if one is. What is no id of such a cart is no cart: 404.
pub(in crate::v1) struct Reached {
    allowed: Allowed<UseCarts>,
    cart: Option<CartRef>,
}

impl FromRequestParts<Arc<App>> for Reached {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let allowed = Allowed::from_request_parts(parts, app).await?;
        let named = named(&parts.headers)?;
        let cart = match allowed.key.whose {
            Whose::All => named.map(CartRef::Client),
            Whose::Of(member) => {
                let own = of_member(app, member).await?;
                if named.is_some_and(|id| id != own) {
                    return Err(not_found());
                }
                Some(CartRef::Visitor(own))
            }
        };
        Ok(Self { allowed, cart })
    }
}

impl Reached {
    /// For what is about a cart that is there already.
    fn required(self) -> Result<(Allowed<UseCarts>, CartRef), Problem> {
        let cart = self.cart.ok_or_else(|| {
            Problem::new(Code::InvalidHeader, "Send the id of a cart as Orders-Cart; POST /v1/cart/items makes one.")
                .error(Place::Header("Orders-Cart"), "missing", "is required")
        })?;
        Ok((self.allowed, cart))
    }
}

/// The cart that a request names, if it names one.
fn named(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let mut values = headers.get_all(ORDERS_CART).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.filter(|_| values.next().is_none()).ok_or_else(not_found).map(Some)
}

/// The cart that the member has on the pages too.
async fn of_member(app: &App, member: SubjectId) -> Result<Uuid, Problem> {
    let pool = app.log.pool();
    match member_carts::find(pool, member).await? {
        Some(id) => Ok(id),
        None => Ok(member_carts::of_member(pool, member, app.settings().sessions.clock.now()).await?),
    }
}

/// The whole cart, at today's prices.
async fn answer(app: &App, cart: CartRef) -> Result<Response, Problem> {
    let content = carts::read(app.log.pool(), cart).await?.ok_or_else(not_found)?;
    Ok(response(cart.id(), resource::of(cart.id(), &content, &app.gateway.prices())?))
}

fn response(id: Uuid, body: String) -> Response {
    let mut response = super::reads::json(body);
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(ORDERS_CART, id);
    }
    response
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
