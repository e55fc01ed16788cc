//! `PATCH /v1/categories/{slug}`: changes what a merge patch (RFC 7396) names. `If-Match` says which version it is of.

use super::super::incoming::{Ask, Incoming};
use super::slug;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Language;
use domain::category::{Category, Changes, Command, MAX_TRANSLATIONS};
use domain::text::CategoryName;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    slug::InPath(slug): slug::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::MERGE_PATCH).await?;
    incoming.require_version()?;
    let command = Command::Change(body::read(&incoming.body, changes)?);
    let id = slug.as_str().to_owned();
    incoming.submit::<Category>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}

/// Reads the body of `PATCH /v1/categories/{slug}`.
pub fn changes(body: &mut Fields<'_, '_>) -> Option<Changes> {
    let name = body.changed_text("name", CategoryName::parse);
    let translations = body.changed_entries("translations", MAX_TRANSLATIONS, Language::parse, |entries, language| {
        entries.text(language, CategoryName::parse)
    });
    Some(Changes { name: name?, translations: translations? })
}
