//! `/account/join/` and `/account/confirm/`: an account for whoever shows that the address is theirs.
//!
//! The link alone does not confirm: with it goes the password that was chosen. So nobody gets an account that somebody
//! else asked for in their name, and knows the password of.

use super::super::query::parameter;
use super::super::{Fault, Posted, Visit};
use super::form::{Field, Form};
use super::shown::{Ask, tell};
use super::{ACCOUNT, LOG_IN, desk, signed_in};
use crate::app::App;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::members::joining::{self, Applicant};
use commands::members::passwords::Verdict;
use commands::members::{self, LinkToken};
use domain::text::{Email, PersonName};
use std::sync::Arc;

const FIELDS: [Field; 4] = [Field::FirstName, Field::LastName, Field::Email, Field::NewPassword];
const CONFIRM: [Field; 1] = [Field::Password];
const JOIN: &str = "/account/join/";

pub(super) async fn ask(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    show(&app, &visit, &Form::empty(&FIELDS)).await
}

async fn show(app: &App, visit: &Visit, form: &Form) -> Result<Response, Fault> {
    let links = &[(LOG_IN, "members-to-log-in")];
    Ask { about: "members-join", action: JOIN, form, hidden: Vec::new(), notice: None, links }.show(app, visit).await
}

pub(super) async fn join(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let mut form = Form::of(&FIELDS, &posted);
    let first_name = form.read(Field::FirstName, PersonName::parse);
    let last_name = form.read(Field::LastName, PersonName::parse);
    let email = form.read(Field::Email, Email::parse);
    let password = form.new_password();
    let (Some(first_name), Some(last_name), Some(email), Some(password)) = (first_name, last_name, email, password)
    else {
        return show(&app, &visit, &form).await;
    };
    app.members.count_mail(visit.source, &email)?;
    let password_hash = app.members.passwords().await?.hash(password).await.map_err(desk::fault)?;
    let applicant = Applicant { email, first_name, last_name, lang: visit.lang.tag().to_owned(), password_hash };
    joining::ask(app.log.pool(), &app.members.schedule, &applicant).await.map_err(Problem::from)?;
    tell(&app, &visit, "members-joining", &[]).await
}

pub(super) async fn ask_confirm(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let Some(token) = token_of(query.as_deref()) else { return void(&app, &visit).await };
    let found = within(joining::asked(app.log.pool(), &token, visit.session.now())).await?;
    if found.is_none() {
        return void(&app, &visit).await;
    }
    show_confirm(&app, &visit, &token, None).await
}

async fn show_confirm(
    app: &App,
    visit: &Visit,
    token: &LinkToken,
    notice: Option<&'static str>,
) -> Result<Response, Fault> {
    let form = Form::empty(&CONFIRM);
    let hidden = vec![("token", token.expose())];
    let ask = Ask { about: "members-confirm", action: "/account/confirm/", form: &form, hidden, notice, links: &[] };
    ask.show(app, visit).await
}

pub(super) async fn confirm(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let Some(token) = posted.get("token").and_then(LinkToken::parse) else { return void(&app, &visit).await };
    let (pool, now) = (app.log.pool(), visit.session.now());
    let Some((email, hash)) = within(joining::asked(pool, &token, now)).await? else {
        return void(&app, &visit).await;
    };
    app.members.count_confirmation(visit.source, &email, &token)?;
    let password = Form::of(&CONFIRM, &posted).password();
    let verdict = app.members.passwords().await?.verify(password, Some(hash)).await.map_err(desk::fault)?;
    if verdict == Verdict::Wrong {
        return show_confirm(&app, &visit, &token, Some("members-wrong-password")).await;
    }
    let Some(id) = joining::admit(pool, &token, now).await.map_err(Problem::from)? else {
        return void(&app, &visit).await;
    };
    let member = within(members::get(pool, id)).await?.ok_or(Fault::Internal)?;
    signed_in::sign_in(&app, &visit, (id, member.credentials), None).await?;
    visit.see_other(ACCOUNT)
}

/// The link is not good, or no longer.
async fn void(app: &App, visit: &Visit) -> Result<Response, Fault> {
    tell(app, visit, "members-void", &[(JOIN, "members-to-join"), (LOG_IN, "members-to-log-in")]).await
}

/// The token of a link.
pub(super) fn token_of(query: Option<&str>) -> Option<LinkToken> {
    parameter(query, "token").and_then(|token| LinkToken::parse(&token))
}
