//! Paying on the shop's pages: the button on an order's page, the way to the provider, and the ways back.
//!
//! - `POST /orders/{id}/pay/?key=…`: asks the provider, and leads there. Lets in whom the order's page does.
//! - `GET /orders/{id}/paid/?intent=…`, `GET /orders/{id}/pay/cancelled/?intent=…`: where the provider sends the
//!   customer back to. The payment's own id lets in: a provider is given no key of ours.
//! - `/sandbox/{intent}/`: the built-in provider's page.
//!
//! What becomes of a payment is [`crate::payments`]' business; what is shown of it is the [`panel`]'s.

mod access;
mod back;
pub(super) mod panel;
mod pay;
mod sandbox;

use super::with_slash;
use crate::http::{Produces, Routes};
use axum::routing::{get, post};

/// The paths of payments.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route("/orders/{id}/pay/", Produces::Html, post(pay::handle).get(pay::lead_on))
        .route("/orders/{id}/paid/", Produces::Html, get(back::paid))
        .route("/orders/{id}/pay/cancelled/", Produces::Html, get(back::cancelled))
        .route("/sandbox/{intent}/", Produces::Html, get(sandbox::show).post(sandbox::decide))
        .always("/orders/{id}/paid", Produces::Html, get(with_slash))
        .always("/orders/{id}/pay/cancelled", Produces::Html, get(with_slash))
        .always("/sandbox/{intent}", Produces::Html, get(with_slash))
}
