//! The payment that an address names, and the way back from it to its order.

use super::super::query::parameter;
use super::super::{Fault, Visit, order_page};
use super::panel::Notice;
use crate::app::App;
use crate::problem::Problem;
use axum::response::Response;
use commands::payments::intents::Intent;
use domain::ids::OrderId;
use uuid::Uuid;

/// The payment that a query names, if it is one of the path's order. Nobody guesses its id.
pub(super) async fn intent(app: &App, order: &str, query: Option<&str>) -> Result<Intent, Fault> {
    let order: OrderId = order.parse().map_err(|_| Fault::NotFound)?;
    let id: Uuid = parameter(query, "intent").and_then(|id| id.parse().ok()).ok_or(Fault::NotFound)?;
    let intent = app.payments.intent(id).await.map_err(Problem::from)?;
    intent.filter(|intent| intent.order == order).ok_or(Fault::NotFound)
}

/// Back to the order's page, which tells how its payment stands.
pub(super) async fn lead_back(
    app: &App,
    visit: &Visit,
    order: OrderId,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let notice = notice.map(|notice| format!("&payment={}", notice.as_str())).unwrap_or_default();
    order_page::lead_on(app, visit, order, &notice).await
}
