//! `/account/forgotten/` and `/account/reset/`: a new password for a forgotten one.

use super::super::{Close, Fault, Group, Posted, Visit};
use super::form::{Field, Form};
use super::join::token_of;
use super::shown::{Ask, tell};
use super::{ACCOUNT, LOG_IN, desk, signed_in};
use crate::app::App;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::members::{LinkToken, recovery};
use domain::text::Email;
use std::sync::Arc;

const FIELDS: [Field; 1] = [Field::Email];
const RESET: [Field; 1] = [Field::NewPassword];
const FORGOTTEN: &str = "/account/forgotten/";

pub(super) async fn ask(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    show(&app, &visit, &Form::empty(&FIELDS)).await
}

async fn show(app: &App, visit: &Visit, form: &Form) -> Result<Response, Fault> {
    let links = &[(LOG_IN, "members-to-log-in")];
    let ask = Ask { about: "members-forgotten", action: FORGOTTEN, form, hidden: Vec::new(), notice: None, links };
    ask.show(app, visit).await
}

pub(super) async fn recover(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let mut form = Form::of(&FIELDS, &posted);
    let Some(email) = form.read(Field::Email, Email::parse) else { return show(&app, &visit, &form).await };
    app.members.count_mail(visit.source, &email)?;
    recovery::ask(&app.members.schedule, &email, visit.lang.tag()).await.map_err(Problem::from)?;
    tell(&app, &visit, "members-recovering", &[(LOG_IN, "members-to-log-in")]).await
}

pub(super) async fn ask_reset(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let Some(token) = token_of(query.as_deref()) else { return void(&app, &visit).await };
    if !within(recovery::is_good(app.log.pool(), &token, visit.session.now())).await? {
        return void(&app, &visit).await;
    }
    show_reset(&app, &visit, &token, &Form::empty(&RESET)).await
}

async fn show_reset(app: &App, visit: &Visit, token: &LinkToken, form: &Form) -> Result<Response, Fault> {
    let hidden = vec![("token", token.expose())];
    let ask = Ask { about: "members-reset", action: "/account/reset/", form, hidden, notice: None, links: &[] };
    ask.show(app, visit).await
}

pub(super) async fn reset(State(app): State<Arc<App>>, visit: Visit, posted: Posted) -> Result<Response, Fault> {
    visit.session.check(posted.get("csrf"))?;
    let Some(token) = posted.get("token").and_then(LinkToken::parse) else { return void(&app, &visit).await };
    let (pool, now) = (app.log.pool(), visit.session.now());
    // Before anything is hashed: that costs, and is not for whoever makes links up.
    if !within(recovery::is_good(pool, &token, now)).await? {
        return void(&app, &visit).await;
    }
    let mut form = Form::of(&RESET, &posted);
    let Some(password) = form.new_password() else { return show_reset(&app, &visit, &token, &form).await };
    let hash = app.members.passwords().await?.hash(password).await.map_err(desk::fault)?;
    match recovery::set_password(pool, &token, &hash, now).await.map_err(Problem::from)? {
        Some((id, credentials)) => {
            // All other sessions are nobody's from here on.
            app.live.hub().close(Group::Member(id.0), Close::Again);
            signed_in::sign_in(&app, &visit, (id, credentials), None).await?;
            tell(&app, &visit, "members-was-reset", &[(ACCOUNT, "members-to-account")]).await
        }
        None => void(&app, &visit).await,
    }
}

/// The link is not good, or no longer.
async fn void(app: &App, visit: &Visit) -> Result<Response, Fault> {
    tell(app, visit, "members-void", &[(FORGOTTEN, "members-to-forgotten"), (LOG_IN, "members-to-log-in")]).await
}
