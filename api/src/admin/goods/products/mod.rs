//! `/admin/products/`: the catalogue, from a new product to its picture and what it ever cost.

mod add;
mod form;
mod list;
mod picture;
mod sale;
mod show;
mod told;
mod upload;

use crate::auth::permission::WriteProducts;
use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::{get, post};
use domain::Sku;

const PATH: &str = "/admin/products/";
/// Apart from the products' own paths: any word may be a sku.
const ADD: &str = "/admin/new/product/";

type Acting = crate::admin::acting::Acting<WriteProducts>;
type Visit = crate::admin::StaffVisit<WriteProducts>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(PATH, Produces::Html, get(list::handle).post(list::act))
        .route(ADD, Produces::Html, get(add::ask).post(add::add))
        .route("/admin/products/{sku}/", Produces::Html, get(show::handle).post(show::change))
        .route("/admin/products/{sku}/sale/", Produces::Html, post(sale::handle))
        .route("/admin/products/{sku}/picture/", Produces::Html, post(picture::handle))
        .always("/admin/products", Produces::Html, get(with_slash))
}

/// Where a product's own page is.
fn path(sku: &Sku) -> String {
    format!("{PATH}{sku}/")
}
