//! What the shop has and who it is for: products, categories, issues of the newsletter, members, the schedule, and
//! orders on a customer's behalf.
//!
//! - [`products`], [`categories`]: the catalogue.
//! - [`newsletters`]: issues, from a draft to what became of each mail. [`members`]: the accounts of customers.
//! - [`schedule`]: work at a given time. [`counter`]: an order for somebody who calls, or stands there.

mod categories;
mod counter;
mod fields;
mod members;
mod newsletters;
mod products;
mod schedule;

use crate::http::Routes;

/// Their paths.
pub(super) fn routes(routes: Routes) -> Routes {
    let routes = categories::routes(products::routes(routes));
    let routes = members::routes(newsletters::routes(routes));
    counter::routes(schedule::routes(routes))
}
