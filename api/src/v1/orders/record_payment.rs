//! `POST /v1/orders/{id}/payments`: writes down a payment made elsewhere.

use super::super::incoming::{Ask, Incoming};
use super::id;
use crate::app::App;
use crate::auth::permission::RecordPayments;
use crate::http::body::{self, Accepts, Fields};
use crate::http::{RequestId, idempotency};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::order::{Command, Order};
use domain::text::PaymentReference;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    id::Reached { allowed, order }: id::Reached<RecordPayments>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    // Money: a client that can't tell a repeated request from a new one is not let in.
    if incoming.idempotency_key()?.is_none() {
        return Err(idempotency::required());
    }
    let command = body::read(&incoming.body, payment)?;
    let id = order.to_string();
    incoming.submit::<Order>(&app, Ask { id, command, creates: false, fresh_id: false, items_at: None }).await
}

/// Reads the body of `POST /v1/orders/{id}/payments`.
pub fn payment(body: &mut Fields<'_, '_>) -> Option<Command> {
    let amount = body.money("amount");
    let reference = body.text("reference", PaymentReference::parse);
    Some(Command::RecordPayment { amount: amount?, reference: reference? })
}
