//! `PUT /v1/products/{sku}/picture`: makes the file that is sent the product's picture. `If-Match` says which version
//! of the product it is for. By `PATCH` of the product, `"picture": null` takes it away.

use super::super::incoming::{Ask, Incoming};
use super::sku;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::http::body::Accepts;
use crate::pictures;
use crate::problem::{Problem, rejection, within};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::product::{Changes, Command, Presentation, Product};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive_within(allowed, request_id, request, Accepts::PICTURE, pictures::BODY).await?;
    // Before the work: no picture is made of a request that can't be carried out, or for a product that is not there.
    incoming.require_version()?;
    incoming.idempotency_key()?;
    if within(app.gateway.load::<Product>(sku.as_str())).await?.version == 0 {
        return Err(rejection::not_found::<Product>());
    }
    let picture = app.pictures.keep(incoming.body.clone()).await?;
    let presentation = Presentation { picture: Some(Some(picture)), ..Presentation::default() };
    let command = Command::Change(Changes { presentation, ..Changes::default() });
    let id = sku.as_str().to_owned();
    incoming.submit::<Product>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}
