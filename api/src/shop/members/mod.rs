//! Accounts: joining by a link in a mail, logging in and out, a new password for a forgotten one, and a member's own
//! pages.
//!
//! Nobody learns here who is a member: an address that has an account and one that has none get the same answer after
//! the same work, and what is different stands in a mail to its owner. Links from mails lead to a page with a button:
//! what only looks at them (a scanner of mails, a preview) uses them up for nobody.
//!
//! - [`desk`]: what all of this works with, bounds included. [`signed_in`]: as whom a visitor is known.
//! - [`newsletter`]: asking for it and leaving it, by the same forms; no account is needed for that.
//! - [`form`], [`shown`]: what is typed, and the page that asks for it.

mod account;
mod desk;
mod form;
mod join;
mod log_in;
mod newsletter;
mod orders;
mod recover;
mod shown;
pub(crate) mod signed_in;

pub(crate) use desk::{Desk, bucket as address_bucket, fault as hashing_fault};

use super::with_slash;
use crate::http::{Produces, Routes};
use axum::routing::{get, post};

/// A member's first page.
pub(super) const ACCOUNT: &str = "/account/";
/// Where one logs in.
pub(super) const LOG_IN: &str = "/account/login/";

/// The paths of accounts, and of the newsletter.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(ACCOUNT, Produces::Html, get(account::handle))
        .route("/account/person/", Produces::Html, get(account::ask_person).post(account::set_person))
        .route("/account/password/", Produces::Html, get(account::ask_password).post(account::set_password))
        .route("/account/join/", Produces::Html, get(join::ask).post(join::join))
        .route("/account/confirm/", Produces::Html, get(join::ask_confirm).post(join::confirm))
        .route(LOG_IN, Produces::Html, get(log_in::ask).post(log_in::log_in))
        .route("/account/logout/", Produces::Html, post(log_in::log_out))
        .route("/account/forgotten/", Produces::Html, get(recover::ask).post(recover::recover))
        .route("/account/reset/", Produces::Html, get(recover::ask_reset).post(recover::reset))
        .route("/account/orders/{id}/", Produces::Html, get(orders::handle))
        .route("/account/orders/{id}/mail/", Produces::Html, post(orders::mail_again))
        .route("/newsletter/", Produces::Html, get(newsletter::ask).post(newsletter::subscribe))
        .route("/newsletter/confirm/", Produces::Html, get(newsletter::ask_confirm).post(newsletter::confirm))
        .route("/newsletter/leave/", Produces::Html, get(newsletter::ask_leave).post(newsletter::one_click))
        .route("/newsletter/left/", Produces::Html, post(newsletter::left))
        .always("/newsletter", Produces::Html, get(with_slash))
        .always("/account", Produces::Html, get(with_slash))
        .always("/account/login", Produces::Html, get(with_slash))
        .always("/account/join", Produces::Html, get(with_slash))
        .always("/account/orders/{id}", Produces::Html, get(with_slash))
}
