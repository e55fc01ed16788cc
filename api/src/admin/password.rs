//! `/admin/password/?token=…`: where the link of a new account, or of a forgotten password, leads. The page only asks:
//! what looks at links (a scanner of mails, a preview) uses them up for nobody.

use super::form::Form;
use super::log_in::let_in;
use super::page::Place;
use super::texts::text;
use super::visit::{place, see_other, show};
use super::{AdminPage, HOME, cookie};
use crate::app::App;
use crate::problem::{Problem, within};
use crate::shop::{Fault, Posted, hashing_fault};
use askama::Template;
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use commands::members::LinkToken;
use commands::members::passwords::Password;
use commands::staff::{Account, links};
use domain::text::PersonName;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// Where it is.
pub(super) const PATH: &str = "/admin/password/";

#[derive(Template)]
#[template(path = "admin/password.html")]
struct Asked {
    page: AdminPage,
    form: Form,
    token: String,
    email: String,
}

#[derive(Template)]
#[template(path = "admin/void.html")]
struct Void {
    page: AdminPage,
}

/// The address stands in a field of its own, so that browsers keep the password for it.
fn form(account: &Account) -> Form {
    Form::new()
        .text("name", text("staff-your-name"), PersonName::MAX_CHARS)
        .value_of(account.name.as_str())
        .autocomplete("name")
        .password("password", text("staff-new-password"))
        .hint(text("staff-password-hint"))
        .autocomplete("new-password")
}

/// Where a link leads, as people follow it: at the shop that is at `base`.
pub(crate) fn link(base: &str, token: &LinkToken) -> String {
    format!("{base}{PATH}?token={}", token.expose())
}

pub(super) async fn ask(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, _) = request.into_parts();
    let mut pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let token = pairs.find(|(name, _)| name == "token").and_then(|(_, value)| LinkToken::parse(&value));
    let place = Place { here: HOME.to_owned(), ..place(&app, &parts) };
    let Some((token, account)) = good(&app, token).await? else { return void(place) };
    let email = account.email.to_string();
    let shown = Asked { page: AdminPage::open(place), form: form(&account), token: token.expose(), email };
    show(&shown, Duration::ZERO)
}

async fn good(app: &App, token: Option<LinkToken>) -> Result<Option<(LinkToken, Account)>, Fault> {
    let Some(token) = token else { return Ok(None) };
    let account = within(links::find(app.log.pool(), &token, app.settings().sessions.clock.now())).await?;
    Ok(account.map(|account| (token, account)))
}

pub(super) async fn set(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let before = cookie::secret(&app, &parts.headers);
    let place = Place { here: HOME.to_owned(), ..place(&app, &parts) };
    let posted = Posted::from_request(Request::from_parts(parts, body), &app).await?;
    // Before anything is hashed: that costs, and is not for whoever makes links up.
    let token = posted.get("token").and_then(LinkToken::parse);
    let Some((token, account)) = good(&app, token).await? else { return void(place) };
    let mut form = form(&account);
    form.fill(&posted);
    let name = form.read("name", PersonName::parse);
    let password = form.read("password", Password::parse);
    let (Some(name), Some(password)) = (name, password) else {
        let email = account.email.to_string();
        let shown = Asked { page: AdminPage::open(place), form: form.shown(), token: token.expose(), email };
        let mut response = show(&shown, Duration::ZERO)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    let hash = app.members.passwords().await?.hash(password).await.map_err(hashing_fault)?;
    let set = links::redeem(app.log.pool(), &token, &name, &hash, app.settings().sessions.clock.now()).await;
    let Some(account) = set.map_err(Problem::from)? else { return void(place) };
    let mut response = see_other(HOME)?;
    let_in(&app, &account, before.as_ref(), response.headers_mut()).await?;
    Ok(response)
}

/// The link is not good, or no longer.
fn void(place: Place) -> Result<Response, Fault> {
    let mut response = show(&Void { page: AdminPage::open(place) }, Duration::ZERO)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
