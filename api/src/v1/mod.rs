//! The resources, version 1.
//!
//! Commands go through [`incoming`], reads through [`reads`]; each handler is a file of its own, named for what it does.

mod cart;
mod categories;
pub mod events;
mod incoming;
mod newsletters;
mod operations;
mod ops;
pub mod orders;
mod paging;
mod products;
mod reads;
pub mod requests;
mod time;
mod totals;

pub(crate) use incoming::Resource;
pub(crate) use operations::operations;
pub(crate) use paging::{DEFAULT_LIMIT, MAX_LIMIT};
pub(crate) use reads::unreadable as unreadable_view;

use crate::http::{Produces, Routes};
use axum::routing::{get, patch, post, put};

/// Every route under `/v1`.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .route("/v1/orders", Produces::Json, get(orders::list::handle).post(orders::place::handle))
        .route("/v1/orders/search", Produces::Json, post(orders::search::handle))
        .route("/v1/orders/{id}", Produces::Json, get(orders::get::handle).patch(orders::correct_email::handle))
        .route("/v1/orders/{id}/items", Produces::Json, post(orders::add_item::handle))
        .route("/v1/orders/{id}/payments", Produces::Json, post(orders::record_payment::handle))
        .route("/v1/orders/{id}/messages", Produces::Json, get(orders::messages::list).post(orders::messages::write))
        .route("/v1/products", Produces::Json, get(products::list::handle).post(products::add::handle))
        .route("/v1/products/{sku}", Produces::Json, patch(products::change::handle).get(products::get::handle))
        .route("/v1/products/{sku}/history", Produces::Json, get(products::history::handle))
        .route("/v1/products/{sku}/picture", Produces::Json, put(products::picture::handle))
        .route("/v1/products/{sku}/withdraw", Produces::Json, post(products::sale::withdraw))
        .route("/v1/products/{sku}/restore", Produces::Json, post(products::sale::restore))
        .route("/v1/categories", Produces::Json, get(categories::list::handle).post(categories::add::handle))
        .route("/v1/categories/{slug}", Produces::Json, patch(categories::change::handle).get(categories::get::handle))
        .route("/v1/categories/{slug}/remove", Produces::Json, post(categories::shown::remove))
        .route("/v1/categories/{slug}/restore", Produces::Json, post(categories::shown::restore))
        .route("/v1/cart", Produces::Json, get(cart::get::handle))
        .route("/v1/cart/items", Produces::Json, post(cart::add_item::handle))
        .route(
            "/v1/cart/items/{sku}",
            Produces::Json,
            patch(cart::change_item::handle).delete(cart::remove_item::handle),
        )
        .route("/v1/totals", Produces::Json, get(totals::handle))
        .route("/v1/newsletters", Produces::Json, post(newsletters::write::draft))
        .route("/v1/newsletters/{id}", Produces::Json, get(newsletters::get::handle).put(newsletters::write::rewrite))
        .route("/v1/newsletters/{id}/outcomes", Produces::Json, get(newsletters::outcomes::handle))
        .route("/v1/newsletters/{id}/release", Produces::Json, post(newsletters::release::handle))
        .route("/v1/ops/schedule", Produces::Json, get(ops::schedule::handle))
        .route("/v1/events", Produces::Ndjson, get(events::handle))
}
