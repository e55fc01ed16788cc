//! Who may see an order and what is written about it: whoever may see its page, and the member who ordered it.

use super::super::members::signed_in;
use super::super::{Fault, Visit};
use super::hub::Badge;
use crate::http::App;
use crate::problem::{Problem, within};
use commands::Snapshot;
use domain::ids::{OrderId, SubjectId};
use domain::order::Order;
use std::borrow::Cow;
use std::sync::Arc;

/// Who asks for the order of a path: with the key of its page, a signature of ours, which a guest was given; or as the member
/// whose order it is. A foreign order is told from none by nothing.
pub(super) async fn of(app: &App, visit: &Visit, id: &str, query: Option<&str>) -> Result<(OrderId, Badge), Fault> {
    let order: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
    let member = signed_in::member(app, visit).await?.map(|member| member.id);
    let is_let_in = match parameter(query, "key") {
        Some(key) => app.link_key().await.map_err(Problem::from)?.verify(order, &key),
        None => is_of(app, order, member).await?,
    };
    if !is_let_in {
        return Err(Fault::NotFound);
    }
    let session = visit.session.get().await?.map(|session| session.id);
    let member = member.map(|member| member.0);
    Ok((order, Badge { order: Some(order), session, member, ..Badge::default() }))
}

/// Whether the order is this member's.
pub(super) async fn is_of(app: &App, order: OrderId, member: Option<SubjectId>) -> Result<bool, Fault> {
    let Some(member) = member else { return Ok(false) };
    let order: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    Ok(order.state.placed().is_some_and(|placed| placed.customer.subject_id == member))
}

/// A parameter of a query; the first of its name.
pub(super) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value)
}
