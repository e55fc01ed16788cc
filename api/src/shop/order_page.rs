//! An order's page: where it is, and who may see it and all that hangs on it (paying, following, writing).
//!
//! Its address bears a key, a signature of ours: whoever was given the address is let in, so that a guest can come
//! back. A member needs none for an order of their own. What is not theirs is told from what is not there by nothing.

use super::members::signed_in;
use super::query::parameter;
use super::{Fault, Visit};
use crate::app::App;
use crate::problem::{Problem, within};
use axum::response::Response;
use commands::Snapshot;
use commands::shop::links::LinkKey;
use domain::ids::{OrderId, SubjectId};
use domain::order::Order;
use std::sync::Arc;

/// The page's path and query.
pub(crate) fn address(key: &LinkKey, order: OrderId) -> String {
    format!("/orders/{order}/thanks/?{}", query(key, order))
}

/// What lets in, as it stands in the query of every address that belongs to the order.
pub(super) fn query(key: &LinkKey, order: OrderId) -> String {
    format!("key={}", key.sign(order))
}

/// What addresses of orders are signed with.
pub(super) async fn key(app: &App) -> Result<&LinkKey, Fault> {
    Ok(app.link_key().await.map_err(Problem::from)?)
}

/// The order of a path, for whoever may see its page.
pub(super) async fn order(app: &App, visit: &Visit, id: &str, query: Option<&str>) -> Result<OrderId, Fault> {
    let order: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    if let Some(sent) = parameter(query, "key") {
        return if key(app).await?.verify(order, &sent) { Ok(order) } else { Err(Fault::NotFound) };
    }
    let member = signed_in::member(app, visit).await?.ok_or(Fault::NotFound)?;
    own(app, member.id, order).await.map(|_| order)
}

/// An order of this member.
pub(super) async fn own(app: &App, member: SubjectId, order: OrderId) -> Result<Arc<Snapshot<Order>>, Fault> {
    let order: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    let is_own = order.state.placed().is_some_and(|placed| placed.customer.subject_id == member);
    if is_own { Ok(order) } else { Err(Fault::NotFound) }
}

/// Leads to the page.
pub(super) async fn lead_to(app: &App, visit: &Visit, order: OrderId) -> Result<Response, Fault> {
    lead_on(app, visit, order, "").await
}

/// Leads to the page; `more` follows its address.
pub(super) async fn lead_on(app: &App, visit: &Visit, order: OrderId, more: &str) -> Result<Response, Fault> {
    visit.see_other(&format!("{}{more}", address(key(app).await?, order)))
}
