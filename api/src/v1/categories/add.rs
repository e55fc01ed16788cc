//! `POST /v1/categories`: adds a category.

use super::super::incoming::{Ask, Incoming};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::category::{Category, Command, MAX_TRANSLATIONS};
use domain::text::CategoryName;
use domain::{Language, Slug};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let (slug, command) = body::read(&incoming.body, category)?;
    let id = slug.as_str().to_owned();
    incoming.submit::<Category>(&app, Ask { id, command, creates: true, fresh_id: false, items_at: None }).await
}

/// Reads the body of `POST /v1/categories`: the slug, and the command.
pub fn category(body: &mut Fields<'_, '_>) -> Option<(Slug, Command)> {
    let slug = body.text("slug", Slug::parse);
    let name = body.text("name", CategoryName::parse);
    let translations = body.changed_entries("translations", MAX_TRANSLATIONS, Language::parse, |entries, language| {
        entries.text(language, CategoryName::parse)
    });
    let slug = slug?;
    // A language that is named with `null` has no name to begin with.
    let translations = translations?.into_iter().filter_map(|(language, name)| Some((language, name?))).collect();
    Some((slug.clone(), Command::Add { slug, name: name?, translations }))
}
