//! `POST /v1/newsletters`: writes an issue. `PUT /v1/newsletters/{id}`: writes it anew as a whole, as long as it has
//! not gone out.

use super::super::incoming::{Ask, Incoming};
use super::id;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteNewsletters;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Language;
use domain::ids::IssueId;
use domain::newsletter::{Command, IssueContent, IssueWords, MAX_TRANSLATIONS, Newsletter};
use domain::text::{IssueSubject, IssueText};
use std::sync::Arc;
use uuid::Uuid;

pub(in crate::v1) async fn draft(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteNewsletters>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let command = Command::Draft(body::read(&incoming.body, content)?);
    let id = IssueId(Uuid::now_v7()).to_string();
    incoming.submit::<Newsletter>(&app, Ask { id, command, creates: true, fresh_id: true, items_at: None }).await
}

pub(in crate::v1) async fn rewrite(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteNewsletters>,
    id::InPath(id): id::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    incoming.require_version()?;
    let command = Command::Rewrite(body::read(&incoming.body, content)?);
    let id = id.to_string();
    incoming.submit::<Newsletter>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}

/// Reads `subject`, `text` and `translations`.
pub(super) fn content(body: &mut Fields<'_, '_>) -> Option<IssueContent> {
    let said = words(body);
    let translations = body.changed_entries("translations", MAX_TRANSLATIONS, Language::parse, |entries, language| {
        entries.object(language, words)
    });
    // A language that is named with `null` has no words to begin with.
    let translations = translations?.into_iter().filter_map(|(language, words)| Some((language, words?))).collect();
    Some(IssueContent { words: said?, translations })
}

fn words(fields: &mut Fields<'_, '_>) -> Option<IssueWords> {
    let (subject, text) = (fields.text("subject", IssueSubject::parse), fields.text("text", IssueText::parse));
    Some(IssueWords { subject: subject?, text: text? })
}
