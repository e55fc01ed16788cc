//! `/admin/new/order/`: an order for somebody who calls, or stands there. The same command as a checkout's, by whoever
//! is logged in.
//!
//! The form goes through two steps on one page: what is chosen is priced and shown, and then placed at exactly that
//! total. Each form places one order, however often it is sent.

mod form;
mod place;

use crate::auth::permission::PlaceOrders;
use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::get;

pub(super) const PATH: &str = "/admin/new/order/";

type Acting = crate::admin::acting::Acting<PlaceOrders>;
type Visit = crate::admin::StaffVisit<PlaceOrders>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.route(PATH, Produces::Html, get(place::ask).post(place::handle)).always(
        "/admin/new/order",
        Produces::Html,
        get(with_slash),
    )
}
