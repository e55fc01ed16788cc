//! Writing an issue, and writing it anew as long as it has not gone out.

use super::super::fields::version;
use super::issue::{Shown, shown};
use super::{Acting, PATH, Visit, WRITE, form, known, path};
use crate::admin::acting::{Ask, Refusal, caught_up};
use crate::admin::form::Form;
use crate::admin::texts::text;
use crate::admin::{AdminPage, Notice, Section, StaffForm};
use crate::app::App;
use crate::problem::within;
use crate::scheduled;
use crate::shop::Fault;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::IdempotencyKey;
use domain::ids::IssueId;
use domain::newsletter::{Command, Newsletter, Rejection};
use projections::Projection;
use projections::newsletters::Newsletters;
use sha2::{Digest, Sha256};
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Keeps these keys apart from those of others.
const PURPOSE: &str = "staff issue";

#[derive(Template)]
#[template(path = "admin/newsletter_write.html")]
struct Written {
    page: AdminPage,
    action: &'static str,
    form: Form,
    /// What makes two sendings of one form the same issue.
    key: Uuid,
}

fn written(visit: &Visit, form: Form, key: Uuid) -> Written {
    Written { page: visit.page(Section::Newsletters), action: WRITE, form, key }
}

pub(super) async fn ask(visit: Visit) -> Result<Response, Fault> {
    visit.show(&written(&visit, form::new(), Uuid::now_v7()), Duration::ZERO).await
}

pub(super) async fn draft(State(app): State<Arc<App>>, acting: Acting, posted: StaffForm) -> Result<Response, Fault> {
    let key = posted.get("form").and_then(|key| key.parse().ok()).ok_or(Fault::Invalid)?;
    let mut form = form::new();
    form.fill(&posted);
    let Some(content) = form::content(&mut form, None) else {
        return acting.show_refused(&written(&acting, form, key)).await;
    };
    let ask = Ask::on(IssueId(Uuid::now_v7()).to_string(), Command::Draft(content), None);
    let asked = Ask { fresh_id: true, key: Some(same(acting.me.id, key, &form)), ..ask };
    match acting.submit::<Newsletter>(&app, asked).await? {
        Ok(done) => {
            caught_up(&app, Newsletters::NAME, done.position).await;
            acting.tell(&app, Notice::good(text("issue-was-written"))).await?;
            // Of a form that was sent before, it is the id that the issue got then.
            acting.see_other(&format!("{PATH}{}/", done.answer.body))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.wrong("subject", rejection.to_string());
            acting.show_refused(&written(&acting, form, key)).await
        }
        Err(Refusal::Changed(_) | Refusal::SentBefore) => Err(Fault::Internal),
    }
}

/// One form writes one issue; with something else in it, as the way back in a browser leads to, it writes another.
fn same(who: Uuid, key: Uuid, form: &Form) -> IdempotencyKey {
    let mut digest = Sha256::new().chain_update(who.as_bytes()).chain_update(key.as_bytes());
    for text in iter::once(PURPOSE).chain(form.fields.iter().map(|field| field.value.as_str())) {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    let digest: [u8; 32] = digest.finalize().into();
    IdempotencyKey { digest, request_digest: digest, ordered: None }
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
        return acting.show_refused(&Shown { version: seen, ..shown }).await;
    };
    let is_other = snapshot.state.content() != Some(&content);
    let asked = Ask::on(id.to_string(), Command::Rewrite(content), Some(seen));
    match acting.submit::<Newsletter>(&app, asked).await? {
        Ok(done) => {
            caught_up(&app, Newsletters::NAME, done.position).await;
            // On the schedule is what was looked at then.
            let due = within(scheduled::releases(app.members.schedule(), &[id.to_string()])).await?;
            let notice = if is_other && !due.is_empty() {
                Notice::warn(text("issue-saved-not-as-scheduled"))
            } else {
                Notice::good(text("goods-saved"))
            };
            acting.tell(&app, notice).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Rejected(Rejection::AlreadyReleased)) => {
            acting.tell(&app, Notice::bad(text("issue-went-out-meanwhile"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Rejected(rejection)) => {
            form.wrong("subject", rejection.to_string());
            let shown = shown(&app, &acting, id, &snapshot, form).await?;
            acting.show_refused(&Shown { version: seen, ..shown }).await
        }
        Err(Refusal::Changed(current)) if current.state.is_released() => {
            acting.tell(&app, Notice::bad(text("issue-went-out-meanwhile"))).await?;
            acting.see_other(&path(id))
        }
        Err(Refusal::Changed(current)) => {
            form::compare(&mut form, current.state.content().ok_or(Fault::NotFound)?);
            let shown = shown(&app, &acting, id, &current, form).await?;
            acting.show_refused(&Shown { is_changed: true, ..shown }).await
        }
        Err(Refusal::SentBefore) => Err(Fault::Internal),
    }
}
