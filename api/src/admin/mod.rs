//! `/admin/`: the pages of who works behind the counter. They use the commands and views that everybody uses, and
//! whoever acts is the actor of the events; what a role may do is said beside what an API key may, in [`permission`].
//!
//! A handler takes a [`StaffVisit`], whose type says what must be allowed, and shows a template whose field `page` is
//! the [`AdminPage`]; one that changes something also takes a [`StaffForm`], which a page of ours sent.
//!
//! - [`visit`], [`posted`], [`cookie`]: who asks, whether they may, and what they send. [`section`]: what there is.
//! - [`acting`], [`bulk`]: having something carried out, on one thing, and on each of those that were chosen in a list.
//!   [`actors`]: what those are called who did something.
//! - [`page`], [`notice`], [`texts`]: what all pages have. [`list`], [`form`]: tables with filters, and forms.
//! - [`log_in`], [`password`], [`accounts`]: how staff come in, and who lets them.
//! - [`dashboard`]: what is going on. [`orders`]: the list of orders, and each one.
//! - [`goods`]: products, members, newsletters, the schedule. [`analytics`]: what was sold, in pictures.
//!   [`console`]: how the system is, and what can be done about it.
//!
//! [`permission`]: crate::auth::permission

mod accounts;
mod acting;
mod actors;
mod analytics;
mod bulk;
mod console;
mod cookie;
mod dashboard;
mod desk;
pub(crate) mod form;
mod goods;
pub(crate) mod list;
mod log_in;
mod notice;
mod orders;
mod page;
mod password;
mod posted;
mod section;
pub(crate) mod texts;
mod visit;

pub(crate) use console::Console;
pub(crate) use desk::StaffDesk;
pub(crate) use notice::{Notice, Tone};
pub(crate) use page::AdminPage;
pub(crate) use password::link as password_link;
pub(crate) use posted::{StaffForm, check_csrf, check_origin};
pub(crate) use section::Section;
pub(crate) use visit::{Refusal, StaffVisit};

use crate::http::{Produces, Routes};
use crate::shop::with_slash;
use axum::routing::{get, post};

/// The first page.
const HOME: &str = "/admin/";
/// Where one logs in.
const LOG_IN: &str = "/admin/login/";

/// Every path below `/admin/`.
pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .route(HOME, Produces::Html, get(dashboard::handle))
        .route(LOG_IN, Produces::Html, get(log_in::ask).post(log_in::log_in))
        .route("/admin/logout/", Produces::Html, post(log_in::log_out))
        .route(password::PATH, Produces::Html, get(password::ask).post(password::set))
        .always("/admin", Produces::Html, get(with_slash))
        .always("/admin/login", Produces::Html, get(with_slash));
    let routes = console::routes(analytics::routes(routes));
    goods::routes(orders::routes(accounts::routes(routes)))
}
