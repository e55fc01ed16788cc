//! `POST /v1/categories/{slug}/remove` and `…/restore`: shows nothing under a category any more, and shows it again.
//! Doing so again changes nothing.

use super::super::incoming::{Ask, Incoming};
use super::slug;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Slug;
use domain::category::{Category, Command};
use std::sync::Arc;

pub(in crate::v1) async fn remove(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    slug::InPath(slug): slug::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive_nothing(allowed, request_id, request).await?;
    submit(&app, incoming, &slug, Command::Remove).await
}

pub(in crate::v1) async fn restore(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    slug::InPath(slug): slug::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive_nothing(allowed, request_id, request).await?;
    submit(&app, incoming, &slug, Command::Restore).await
}

async fn submit(app: &App, incoming: Incoming, slug: &Slug, command: Command) -> Result<Response, Problem> {
    let id = slug.as_str().to_owned();
    incoming.submit::<Category>(app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}
