//! Writing an issue, and writing it anew as long as it has not gone out.

use super::super::acting::{Ask, Refusal, caught_up};
use super::super::fields::version;
use super::issue::{Shown, shown};
use super::{Acting, Visit, WRITE, form, known, path};
use crate::admin::form::Form;
use crate::admin::texts::text;
use crate::admin::{AdminPage, Notice, Section, StaffForm};
use crate::http::App;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::IssueId;
use domain::newsletter::{Command, Newsletter, Rejection};
use projections::Projection;
use projections::newsletters::Newsletters;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "admin/newsletter_write.html")]
struct Written {
    page: AdminPage,
    action: &'static str,
    form: Form,
}

async fn written(app: &App, visit: &Visit, form: Form) -> Result<Written, Fault> {
    Ok(Written { page: visit.page(app, Section::Newsletters).await?, action: WRITE, form })
}

pub(super) async fn ask(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Fault> {
    let shown = written(&app, &visit, form::new()).await?;
    visit.show(&shown, Duration::ZERO)
}

pub(super) async fn draft(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let mut form = form::new();
    form.fill(&posted);
    let Some(content) = form::content(&mut form, None) else {
        return acting.show_refused(&written(&app, &acting, form).await?);
    };
    let id = IssueId(Uuid::now_v7());
    let asked = Ask { fresh_id: true, ..Ask::on(id.to_string(), Command::Draft(content), None) };
    match acting.submit::<Newsletter>(&app, asked).await? {
        Ok(done) => {
            caught_up(&app, Newsletters::NAME, done.position).await;
            acting.tell(&app, Notice::good(text("issue-was-written"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.wrong("subject", rejection.to_string());
            acting.show_refused(&written(&app, &acting, form).await?)
        }
        Err(Refusal::Changed(_) | Refusal::SentBefore) => Err(Fault::Internal),
    }
}

pub(super) async fn rewrite(
    State(app): State<Arc<App>>,
    acting: Acting,
    Path(id): Path<String>,
    posted: StaffForm,
) -> Result<Response, Fault> {
    let (id, snapshot) = known(&app, &id).await?;
    let seen = version(posted.get("version")).ok_or(Fault::Invalid)?;
    let mut form = form::new();
    form.fill(&posted);
    let Some(content) = form::content(&mut form, snapshot.state.content()) else {
        let shown = shown(&app, &acting, id, &snapshot, form).await?;
        // Still the version that was shown: somebody else's change is not overwritten unseen.
        return acting.show_refused(&Shown { version: seen, ..shown });
    };
    let asked = Ask::on(id.to_string(), Command::Rewrite(content), Some(seen));
    match acting.submit::<Newsletter>(&app, asked).await? {
        Ok(done) => {
            caught_up(&app, Newsletters::NAME, done.position).await;
            acting.tell(&app, Notice::good(text("goods-saved"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Rejected(Rejection::AlreadyReleased)) => {
            acting.tell(&app, Notice::bad(text("issue-went-out-meanwhile"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.wrong("subject", rejection.to_string());
            let shown = shown(&app, &acting, id, &snapshot, form).await?;
            acting.show_refused(&Shown { version: seen, ..shown })
        }
        Err(Refusal::Changed(current)) if current.state.is_released() => {
            acting.tell(&app, Notice::bad(text("issue-went-out-meanwhile"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Changed(current)) => {
            form::compare(&mut form, current.state.content().ok_or(Fault::NotFound)?);
            let shown = shown(&app, &acting, id, &current, form).await?;
            acting.show_refused(&Shown { is_changed: true, ..shown })
        }
        Err(Refusal::SentBefore) => Err(Fault::Internal),
    }
}
