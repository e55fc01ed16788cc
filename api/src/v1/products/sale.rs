//! `POST /v1/products/{sku}/withdraw` and `…/restore`: takes a product out of sale and puts it back. Doing so again
//! changes nothing.

use super::super::incoming::{Ask, Incoming};
use super::sku;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteProducts;
use crate::http::RequestId;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Sku;
use domain::product::{Command, Product};
use std::sync::Arc;

pub(in crate::v1) async fn withdraw(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive_nothing(allowed, request_id, request).await?;
    submit(&app, incoming, &sku, Command::Withdraw).await
}

pub(in crate::v1) async fn restore(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteProducts>,
    sku::InPath(sku): sku::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive_nothing(allowed, request_id, request).await?;
    submit(&app, incoming, &sku, Command::Restore).await
}

async fn submit(app: &App, incoming: Incoming, sku: &Sku, command: Command) -> Result<Response, Problem> {
    let id = sku.as_str().to_owned();
    incoming.submit::<Product>(app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}
