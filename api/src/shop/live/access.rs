//! As whom somebody follows an order, or writes about it: whoever may see its page.

use super::super::members::signed_in;
use super::super::{Fault, Visit, order_page};
use super::hub::{Badge, Close};
use crate::app::App;
use commands::shop::sessions;
use domain::ids::OrderId;

/// The order of a path, and what is known of who asks for it.
pub(super) async fn of(app: &App, visit: &Visit, id: &str, query: Option<&str>) -> Result<(OrderId, Badge), Fault> {
    let order = order_page::order(app, visit, id, query).await?;
    let member = signed_in::member(app, visit).await?.map(|member| member.id.0);
    let session = visit.session.get().await?.map(|session| session.id);
    Ok((order, Badge { order: Some(order), session, member, ..Badge::default() }))
}

/// Why somebody who was let in with this badge is so no longer. A session may have ended at any process, and a member's
/// by a new password; who is another than before is looked at anew. Costs nothing for who has no session.
pub(super) async fn lost(app: &App, badge: Badge) -> Result<Option<Close>, sqlx::Error> {
    let Some(session) = badge.session else { return Ok(None) };
    let now = app.settings().sessions.clock.now();
    Ok(match sessions::member_of(app.log.pool(), session, now).await? {
        None => Some(Close::Ended),
        Some(member) if member != badge.member => Some(Close::Again),
        Some(_) => None,
    })
}
