//! `/newsletter/`: asking for the newsletter, confirming it, and leaving it without logging in.

use super::super::query::parameter;
use super::super::{Fault, Posted, Visit};
use super::form::{Field, Form};
use super::join::token_of;
use super::shown::{Ask, tell};
use crate::app::App;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::members::LinkToken;
use commands::subscribers::{self, LeaveLink};
use domain::text::Email;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

const FIELDS: [Field; 1] = [Field::Email];
const PATH: &str = "/newsletter/";

pub(super) async fn ask(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    show(&app, &visit, &Form::empty(&FIELDS)).await
}

async fn show(app: &App, visit: &Visit, form: &Form) -> Result<Response, Fault> {
    let ask = Ask { about: "newsletter", action: PATH, form, hidden: Vec::new(), notice: None, links: &[] };
    ask.show(app, visit).await
}

pub(super) async fn subscribe(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let mut form = Form::of(&FIELDS, &posted);
    let Some(email) = form.read(Field::Email, Email::parse) else { return show(&app, &visit, &form).await };
    app.members.count_mail(visit.source, &email)?;
    subscribers::ask(&app.members.schedule, &email, visit.lang.tag()).await.map_err(Problem::from)?;
    tell(&app, &visit, "newsletter-asked", &[]).await
}

pub(super) async fn ask_confirm(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let Some(token) = token_of(query.as_deref()) else { return void(&app, &visit).await };
    if !within(subscribers::is_good(app.log.pool(), &token, visit.session.now())).await? {
        return void(&app, &visit).await;
    }
    let (form, hidden) = (Form::empty(&[]), vec![("token", token.expose())]);
    let (about, action) = ("newsletter-confirm", "/newsletter/confirm/");
    Ask { about, action, form: &form, hidden, notice: None, links: &[] }.show(&app, &visit).await
}

pub(super) async fn confirm(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let Some(token) = posted.get("token").and_then(LinkToken::parse) else { return void(&app, &visit).await };
    let is_good = subscribers::confirm(app.log.pool(), &token, visit.session.now()).await.map_err(Problem::from)?;
    if is_good { tell(&app, &visit, "newsletter-confirmed", &[]).await } else { void(&app, &visit).await }
}

/// The link is not good, or no longer.
async fn void(app: &App, visit: &Visit) -> Result<Response, Fault> {
    tell(app, visit, "newsletter-void", &[(PATH, "newsletter-to-ask")]).await
}

/// The page that the link in a mail leads to: it changes nothing, as scanners of mails follow links too.
pub(super) async fn ask_leave(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let link = link_of(query.as_deref()).ok_or(Fault::NotFound)?;
    let (form, hidden) = (Form::empty(&[]), vec![("who", link.expose())]);
    let (about, action) = ("newsletter-leave", "/newsletter/left/");
    Ask { about, action, form: &form, hidden, notice: None, links: &[] }.show(&app, &visit).await
}

/// The button of that page.
pub(super) async fn left(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let link = posted.get("who").and_then(LeaveLink::parse).ok_or(Fault::Invalid)?;
    subscribers::leave(app.log.pool(), &link).await.map_err(Problem::from)?;
    tell(&app, &visit, "newsletter-left", &[(PATH, "newsletter-to-ask")]).await
}

/// One click in a mail program (RFC 8058): a POST from elsewhere, without cookies and without an origin. The link alone
/// lets it, and lets it do nothing else, so its body, of either media type that the RFC names, has nothing to add. That
/// it was done before is no error.
pub(super) async fn one_click(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let link = link_of(query.as_deref()).ok_or(Fault::NotFound)?;
    subscribers::leave(app.log.pool(), &link).await.map_err(Problem::from)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn link_of(query: Option<&str>) -> Option<LeaveLink> {
    parameter(query, "who").and_then(|who| LeaveLink::parse(&who))
}
