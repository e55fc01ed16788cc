//! `PATCH /v1/products/{sku}`: changes what a merge patch (RFC 7396) names. `If-Match` says which version it is of.

use super::super::incoming::{Ask, Incoming};
use super::presentation::presentation;
use super::sku;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields, Patch};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::product::{Changes, Command, Product};
use domain::text::{Description, ProductName};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::MERGE_PATCH).await?;
    incoming.require_version()?;
    let command = Command::Change(body::read(&incoming.body, changes)?);
    let id = sku.as_str().to_owned();
    incoming.submit::<Product>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}

/// Reads the body of `PATCH /v1/products/{sku}`.
pub fn changes(body: &mut Fields<'_, '_>) -> Option<Changes> {
    let name = body.changed_text("name", ProductName::parse);
    let description = body.patched_text("description", Description::parse);
    let price = body.changed_money("price");
    let presentation = presentation(body);
    let description = match description? {
        Patch::Keep => None,
        Patch::Remove => Some(None),
        Patch::Set(description) => Some(Some(description)),
    };
    Some(Changes { name: name?, description, price: price?, presentation: presentation? })
}
