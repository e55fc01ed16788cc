//! `PATCH /v1/orders/{id}`: corrects the address that mails about the order go to, which was mistyped. The order is
//! confirmed to the new one, in the language in which it was placed. `If-Match` says which version the change is of.

use super::super::incoming::{Ask, Incoming};
use super::id;
use crate::app::App;
use crate::auth::permission::CorrectOrders;
use crate::corrections::Before;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::order::{Command, Order};
use domain::text::Email;
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    id::Reached { allowed, order }: id::Reached<CorrectOrders>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::MERGE_PATCH).await?;
    incoming.require_version()?;
    let email = body::read(&incoming.body, correction)?;
    let before = Before::of(&app, order).await?;
    let incoming = incoming.in_language(before.locale.clone());
    let (id, command) = (order.to_string(), Command::CorrectEmail { email: email.clone() });
    let ask = Ask { id, command, creates: false, fresh_id: false, items_at: None };
    let (response, position) = incoming.submit_at::<Order>(&app, ask).await?;
    before.give_up_mails(&app, order, &email, position, &who).await;
    Ok(response)
}

/// Reads the body of `PATCH /v1/orders/{id}`.
pub fn correction(body: &mut Fields<'_, '_>) -> Option<Email> {
    body.object("customer", |customer| customer.text("email", Email::parse))
}
