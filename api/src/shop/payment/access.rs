//! Who may see an order, and a payment of it.

use super::super::{Fault, Visit};
use super::panel::Notice;
use crate::http::App;
use crate::problem::Problem;
use axum::response::Response;
use commands::payments::intents::Intent;
use domain::ids::OrderId;
use std::borrow::Cow;
use uuid::Uuid;

/// The order of a path, for whoever has the key of its page: that is the rule of the page that thanks for it.
pub(super) async fn order(app: &App, id: &str, query: Option<&str>) -> Result<OrderId, Fault> {
    let id: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    let key = parameter(query, "key").ok_or(Fault::NotFound)?;
    let is_right = app.link_key().await.map_err(Problem::from)?.verify(id, &key);
    if is_right { Ok(id) } else { Err(Fault::NotFound) }
}

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
    let key = app.link_key().await.map_err(Problem::from)?.sign(order);
    let notice = notice.map(|notice| format!("&payment={}", notice.as_str())).unwrap_or_default();
    visit.see_other(&format!("/orders/{order}/thanks/?key={key}{notice}"))
}

/// A parameter of a query; the first of its name.
pub(super) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value)
}
