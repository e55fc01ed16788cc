//! `POST /v1/products`: adds a product to the catalogue.

use super::super::incoming::{Ask, Incoming};
use super::presentation::presentation;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Sku;
use domain::product::{Command, Product};
use domain::text::{Description, ProductName};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let (sku, command) = body::read(&incoming.body, product)?;
    let id = sku.as_str().to_owned();
    incoming.submit::<Product>(&app, Ask { id, command, creates: true, fresh_id: false, items_at: None }).await
}

/// Reads the body of `POST /v1/products`: the sku, and the command.
pub fn product(body: &mut Fields<'_, '_>) -> Option<(Sku, Command)> {
    let sku = body.text("sku", Sku::parse);
    let name = body.text("name", ProductName::parse);
    let description = body.optional_text("description", Description::parse);
    let price = body.money("price");
    let presentation = presentation(body);
    let sku = sku?;
    Some((
        sku.clone(),
        Command::Add { sku, name: name?, description: description?, price: price?, presentation: presentation? },
    ))
}
