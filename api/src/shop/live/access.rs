//! As whom somebody follows an order, or writes about it: whoever may see its page.

use super::super::members::signed_in;
use super::super::{Fault, Visit, order_page};
use super::hub::Badge;
use crate::http::App;
use domain::ids::OrderId;

/// The order of a path, and what is known of who asks for it.
pub(super) async fn of(app: &App, visit: &Visit, id: &str, query: Option<&str>) -> Result<(OrderId, Badge), Fault> {
    let order = order_page::order(app, visit, id, query).await?;
    let member = signed_in::member(app, visit).await?.map(|member| member.id.0);
    let session = visit.session.get().await?.map(|session| session.id);
    Ok((order, Badge { order: Some(order), session, member, ..Badge::default() }))
}
