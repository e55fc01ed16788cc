//! `/admin/orders/`: all orders, and each one with all that happened to it.
//!
//! - [`asked`]: which orders a query asks for, and the filters beside them. [`list`]: the table; [`csv`]: the same as a
//!   file.
//! - [`act`]: what is done to those that were chosen, with a result for each. [`pay`]: recording that one was paid
//!   otherwise.
//! - [`show`]: one order. [`history`]: what happened to it, in words; [`mails`]: what became of its mails. [`change`]:
//!   what is done to it.

mod act;
mod asked;
mod change;
mod csv;
mod history;
mod list;
mod mails;
mod pay;
mod show;

use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::{get, post};
use domain::ids::OrderId;

/// The list.
const PATH: &str = "/admin/orders/";

/// An order's page.
fn path(order: OrderId) -> String {
    format!("{PATH}{order}/")
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(list::handle))
        .route("/admin/orders/act/", Produces::Html, post(act::handle))
        .route("/admin/orders/orders.csv", Produces::Html, get(csv::handle))
        .route("/admin/orders/{id}/", Produces::Html, get(show::handle).post(change::handle))
        .always("/admin/orders", Produces::Html, get(with_slash))
        .always("/admin/orders/{id}", Produces::Html, get(with_slash))
}
