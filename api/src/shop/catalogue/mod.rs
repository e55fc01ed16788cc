//! What the shop sells: the first page, lists with search and paging, and one page for each product.

mod card;
mod category;
mod home;
mod list;
mod product;

pub(super) use card::{Card, words};

use super::with_slash;
use crate::http::{Produces, Routes};
use axum::routing::get;

/// The paths of the catalogue. Each ends with a slash; without it they lead to the one with it.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route("/", Produces::Html, get(home::handle))
        .route("/products/", Produces::Html, get(list::handle))
        .route("/products/{sku}/", Produces::Html, get(product::handle))
        .route("/categories/{slug}/", Produces::Html, get(category::handle))
        .always("/products", Produces::Html, get(with_slash))
        .always("/products/{sku}", Produces::Html, get(with_slash))
        .always("/categories/{slug}", Produces::Html, get(with_slash))
        .always("/language", Produces::Html, get(with_slash))
}
