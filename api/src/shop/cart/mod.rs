//! The cart: what a visitor is about to order.
//!
//! It is changed by forms alone, which lead back to it, so that a page loaded again changes nothing.

mod change;
pub(super) mod show;

use super::with_slash;
use crate::http::{Produces, Routes};
use axum::routing::{get, post};

/// The paths of the cart.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route("/cart/", Produces::Html, get(show::handle))
        .route("/cart/add/", Produces::Html, post(change::add))
        .route("/cart/change/", Produces::Html, post(change::change))
        .route("/cart/remove/", Produces::Html, post(change::remove))
        .always("/cart", Produces::Html, get(with_slash))
}

/// Where the cart is.
pub(super) const PATH: &str = "/cart/";
