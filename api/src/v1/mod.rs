//! The resources, version 1.
//!
//! Commands go through [`incoming`], reads through [`reads`]; each handler is a file of its own, named for what it
//! does.

mod analytics;
pub(crate) mod as_of;
mod cart;
mod categories;
pub mod events;
mod incoming;
mod newsletters;
mod operations;
pub(crate) mod ops;
pub mod orders;
mod paging;
mod past_totals;
mod products;
mod reads;
pub mod requests;
mod time;
mod totals;

pub(crate) use analytics::figures_json;
pub(crate) use as_of::{
    MAX_AT_ONCE as MAX_AS_OF_AT_ONCE, MAX_EVENTS as MAX_AS_OF_EVENTS, MAX_ORDERS_AT_ONCE as MAX_AS_OF_ORDERS_AT_ONCE,
};
pub(crate) use incoming::Resource;
pub(crate) use operations::operations;
pub(crate) use ops::dead_letters::DeadLetters;
pub(crate) use ops::instances::{InstanceResource, InstancesResource};
pub(crate) use ops::projections::{DiffResource, ViewsResource};
pub(crate) use ops::schedule::JobResource;
pub(crate) use paging::{DEFAULT_LIMIT, MAX_LIMIT};
pub(crate) use past_totals::{PastTotals, days_json, products_json};
pub(crate) use reads::unreadable as unreadable_view;

use crate::http::{Produces, Routes};
use axum::routing::{get, patch, post, put};

/// Every route under `/v1`.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .route("/v1/orders", Produces::Json, get(orders::list::handle).post(orders::place::handle))
        .route("/v1/orders/search", Produces::Json, post(orders::search::handle))
        .route("/v1/orders/{id}", Produces::Json, get(orders::get::handle).patch(orders::correct_email::handle))
        .route("/v1/orders/{id}/history", Produces::Json, get(orders::history::handle))
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
        .route("/v1/analytics/days", Produces::Table, get(analytics::days))
        .route("/v1/analytics/products", Produces::Table, get(analytics::products))
        .route("/v1/analytics/cities", Produces::Table, get(analytics::cities))
        .route("/v1/analytics/payment-times", Produces::Table, get(analytics::payment_times))
        .route("/v1/analytics/conversion", Produces::Table, get(analytics::conversion))
        .route("/v1/newsletters", Produces::Json, post(newsletters::write::draft))
        .route("/v1/newsletters/{id}", Produces::Json, get(newsletters::get::handle).put(newsletters::write::rewrite))
        .route("/v1/newsletters/{id}/outcomes", Produces::Json, get(newsletters::outcomes::handle))
        .route("/v1/newsletters/{id}/release", Produces::Json, post(newsletters::release::handle))
        .route("/v1/ops/instances", Produces::Json, get(ops::instances::handle))
        .route("/v1/ops/projections", Produces::Json, get(ops::projections::list))
        .route("/v1/ops/projections/{name}", Produces::Json, get(ops::projections::one))
        .route("/v1/ops/projections/{name}/diff", Produces::Json, get(ops::projections::diff))
        .route("/v1/ops/projections/{name}/promote", Produces::Json, post(ops::projections::promote))
        .route("/v1/ops/projections/{name}/rebuild", Produces::Json, post(ops::projections::rebuild))
        .route("/v1/ops/projections/{name}/rollback", Produces::Json, post(ops::projections::rollback))
        .route("/v1/ops/schedule", Produces::Json, get(ops::schedule::handle))
        .route("/v1/ops/schedule/{id}/run", Produces::Json, post(ops::schedule::run))
        .route("/v1/ops/schedule/{id}/cancel", Produces::Json, post(ops::schedule::cancel))
        .route("/v1/ops/parked", Produces::Json, get(ops::parked::list))
        .route("/v1/ops/parked/retry", Produces::Json, post(ops::parked::retry_all))
        .route("/v1/ops/parked/discard", Produces::Json, post(ops::parked::discard_all))
        .route("/v1/ops/parked/{id}", Produces::Json, get(ops::parked::show))
        .route("/v1/ops/parked/{id}/retry", Produces::Json, post(ops::parked::retry))
        .route("/v1/ops/parked/{id}/discard", Produces::Json, post(ops::parked::discard))
        .route("/v1/ops/dead-letters", Produces::Json, get(ops::dead_letters::handle))
        .route("/v1/ops/consumers", Produces::Json, get(ops::consumers::list))
        .route("/v1/ops/consumers/{name}", Produces::Json, get(ops::consumers::show))
        .route("/v1/ops/consumers/{name}/pause", Produces::Json, post(ops::consumers::pause))
        .route("/v1/ops/consumers/{name}/resume", Produces::Json, post(ops::consumers::resume))
        .route(
            "/v1/ops/consumers/{name}/rewind",
            Produces::Json,
            get(ops::consumers::preview).post(ops::consumers::rewind).delete(ops::consumers::withdraw),
        )
        .route("/v1/ops/mails", Produces::Json, get(ops::mails::of_order))
        .route("/v1/ops/mails/search", Produces::Json, post(ops::mails::search))
        .route("/v1/ops/audit", Produces::Json, get(ops::audit::handle))
        .route("/v1/ops/status", Produces::Json, get(ops::status::now))
        .route("/v1/ops/status/history", Produces::Json, get(ops::status::history))
        .route("/v1/events", Produces::Events, get(events::handle))
}
