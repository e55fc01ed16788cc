//! `/admin/login/` and `/admin/logout/`.
//!
//! Nobody learns here who has an account: one that there is not, one that is disabled and one whose password is another
//! get the same answer after the same work.

use super::form::Form;
use super::page::Place;
use super::texts::text;
use super::visit::{see_other, show};
use super::{AdminPage, HOME, LOG_IN, StaffForm, cookie, visit};
use crate::app::App;
use crate::http::Source;
use crate::problem::{Problem, within};
use crate::shop::{Fault, Posted, hashing_fault};
use askama::Template;
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use commands::members::passwords::{Password, Verdict};
use commands::shop::sessions::SessionSecret;
use commands::staff::{self, Account, accounts, sessions};
use domain::text::Email;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;

/// The longest path that is led back to.
const MAX_NEXT_BYTES: usize = 500;

#[derive(Template)]
#[template(path = "admin/log_in.html")]
struct Shown {
    page: AdminPage,
    form: Form,
    next: String,
    wrong: bool,
}

fn form() -> Form {
    Form::new()
        .email("email", text("staff-email"))
        .autocomplete("username")
        .password("password", text("staff-password"))
        .autocomplete("current-password")
}

pub(super) async fn ask(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, _) = request.into_parts();
    let mut pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let next = pairs.find(|(name, _)| name == "next").map(|(_, value)| value.into_owned());
    let next = way_on(next.as_deref()).to_owned();
    if current(&app, &parts.headers).await?.is_some() {
        return see_other(&next);
    }
    show(&Shown { page: AdminPage::open(place(&app, &parts)), form: form(), next, wrong: false }, Duration::ZERO)
}

/// Where one logs in is led back to by nothing.
fn place(app: &App, parts: &Parts) -> Place {
    Place { here: HOME.to_owned(), ..visit::place(app, parts) }
}

/// Who is logged in already.
async fn current(app: &App, headers: &HeaderMap) -> Result<Option<Account>, Fault> {
    let Some(secret) = cookie::secret(app, headers) else { return Ok(None) };
    let now = app.settings().sessions.clock.now();
    let session = within(sessions::find(app.log.pool(), &secret, now)).await?;
    Ok(session.map(|session| session.account))
}

/// A page of ours behind the counter.
fn way_on(next: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        path.starts_with(HOME) && !path.starts_with(LOG_IN) && plain && path.len() <= MAX_NEXT_BYTES
    };
    next.filter(is_ours).unwrap_or(HOME)
}

/// Nobody is logged in yet, so there is no session that a token could be bound to: that the form comes from a page of
/// ours is told by its origin.
pub(super) async fn log_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let before = cookie::secret(&app, &parts.headers);
    let source = Source::of_parts(&parts, &app.settings().trusted_proxies);
    let place = place(&app, &parts);
    let posted = Posted::from_request(Request::from_parts(parts, body), &app).await?;
    let mut form = form();
    form.fill(&posted);
    let next = way_on(posted.get("next")).to_owned();
    let account = match form.read("email", Email::parse) {
        Some(email) => {
            app.staff.count_log_in(source, &email)?;
            right(&app, &email, Password::tried(form.value("password"))).await?
        }
        None => None,
    };
    let Some(account) = account else {
        let wrong = !form.has_faults();
        let mut response =
            show(&Shown { page: AdminPage::open(place), form: form.shown(), next, wrong }, Duration::ZERO)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    let mut response = see_other(&next)?;
    let_in(&app, &account, before.as_ref(), response.headers_mut()).await?;
    Ok(response)
}

/// Begins a session under a new secret; the one that the browser had is over.
pub(super) async fn let_in(
    app: &App,
    account: &Account,
    before: Option<&SessionSecret>,
    headers: &mut HeaderMap,
) -> Result<(), Fault> {
    let (pool, secret) = (app.log.pool(), SessionSecret::random());
    if let Some(before) = before {
        sessions::end(pool, before).await.map_err(Problem::from)?;
    }
    let now = app.settings().sessions.clock.now();
    sessions::begin(pool, account, &secret, now).await.map_err(Problem::from)?;
    if let Some(cookie) = cookie::hand_out(app, &secret) {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(())
}

/// The account of this address and password, if it may log in.
async fn right(app: &App, email: &Email, password: Password) -> Result<Option<Account>, Fault> {
    let (pool, passwords) = (app.log.pool(), app.members.passwords().await?);
    let found = within(staff::by_email(pool, email)).await?;
    let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
    let verdict = passwords.verify(password.clone(), hash.clone()).await.map_err(hashing_fault)?;
    let Some((account, _)) = found.filter(|(account, _)| account.disabled_at.is_none()) else { return Ok(None) };
    match (verdict, hash) {
        (Verdict::Right, _) => Ok(Some(account)),
        (Verdict::RightButOutdated, Some(old)) => {
            let hash = passwords.hash(password).await.map_err(hashing_fault)?;
            accounts::rehash(pool, account.id, &old, &hash).await.map_err(Problem::from)?;
            Ok(Some(account))
        }
        (Verdict::RightButOutdated, None) | (Verdict::Wrong, _) => Ok(None),
    }
}

pub(super) async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap, _: StaffForm) -> Result<Response, Fault> {
    if let Some(secret) = cookie::secret(&app, &headers) {
        sessions::end(app.log.pool(), &secret).await.map_err(Problem::from)?;
    }
    let mut response = see_other(LOG_IN)?;
    if let Some(cookie) = cookie::take_back(&app) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_back_to_staff_pages_alone() {
        for (next, expected) in [
            (Some("/admin/orders/?paid=yes"), "/admin/orders/?paid=yes"),
            (Some("/admin/login/?next=/admin/"), HOME),
            (Some("/account/"), HOME),
            (Some("//evil.test/admin/"), HOME),
            (Some("/admin/\\evil"), HOME),
            (Some("/admin/\r\nset-cookie: a"), HOME),
            (None, HOME),
        ] {
            assert_eq!(way_on(next), expected, "{next:?}");
        }
    }
}
