//! From a cart to an order: `/orders/create/`, and the page that thanks for it.
//!
//! An order is placed of one content of the cart, which the form names: pressed twice, loaded again or sent from two
//! tabs, it is the same order. See `docs/decisions/0015-sessions-and-carts.md`.

mod create;
mod form;
mod key;
mod place;
mod thanks;

pub(super) use key::settle;

use super::with_slash;
use crate::http::{Produces, Routes};
use axum::routing::get;

/// The paths of the checkout.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route("/orders/create/", Produces::Html, get(create::handle).post(place::handle))
        .route("/orders/{id}/thanks/", Produces::Html, get(thanks::handle))
        .always("/orders/create", Produces::Html, get(with_slash))
        .always("/orders/{id}/thanks", Produces::Html, get(with_slash))
}
