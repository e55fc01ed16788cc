//! `POST /v1/orders/{id}/items`: adds a line, until a payment is recorded.

use super::super::incoming::{Ask, Incoming};
use super::{id, place};
use crate::app::App;
use crate::auth::permission::PlaceOrders;
use crate::http::RequestId;
use crate::http::body::{self, Accepts};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::order::{Command, Order};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    id::Reached { allowed, order }: id::Reached<PlaceOrders>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let command = Command::AddItem(body::read(&incoming.body, place::item)?);
    let id = order.to_string();
    incoming.submit::<Order>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}
