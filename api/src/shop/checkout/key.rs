//! What makes two checkouts the same one: the cart, and its content. And what becomes of the cart then.

use super::super::{Fault, Visit};
use crate::app::App;
use crate::problem::Problem;
use commands::shop::carts::{self, CartLine};
use commands::shop::sessions::Session;
use commands::{IdempotencyKey, OrderedLines};
use domain::ids::OrderId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Keeps these keys apart from those of the API's clients.
const PURPOSE: &str = "shop checkout";

/// The key of the order that is placed of this content of the session's cart, which a member may fill from several
/// sessions. What else the form held does not matter: one content is ordered once, and who sends it again, whatever was
/// typed then, is led to the order that there is. With the answer the lines are kept that are to be taken out of the
/// cart.
pub(super) fn of(session: &Session, content_id: Uuid, lines: &[CartLine]) -> IdempotencyKey {
    let mut digest = Sha256::new();
    digest.update((PURPOSE.len() as u64).to_le_bytes());
    digest.update(PURPOSE);
    digest.update(session.cart_id.as_bytes());
    digest.update(content_id.as_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    let lines = lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect();
    let ordered = Some(OrderedLines { cart_id: session.cart_id, lines });
    IdempotencyKey { digest, request_digest: Sha256::digest(digest).into(), ordered }
}

/// The order that was placed of this content before.
pub(super) async fn placed_before(app: &App, session: &Session, content_id: Uuid) -> Result<Option<OrderId>, Fault> {
    let answer = app.gateway.answered(&of(session, content_id, &[])).await.map_err(Problem::from)?;
    Ok(answer.and_then(|answer| answer.body.parse().ok()))
}

/// Takes what was ordered out of the visitor's cart, if a process ended before it did, or the cart changed meanwhile;
/// says which order that was, the last of several. To be done before the cart is shown, changed or ordered. Costs
/// nothing otherwise.
pub(in crate::shop) async fn settle(app: &App, visit: &Visit) -> Result<Option<OrderId>, Fault> {
    let Some(session) = visit.session.get().await?.filter(|session| session.is_ordered) else { return Ok(None) };
    let settled = carts::settle(app.log.pool(), session.cart_id, visit.session.now()).await;
    let orders = settled.map_err(Problem::from)?;
    visit.session.look_again().await;
    Ok(orders.last().and_then(|order| order.parse().ok()))
}

/// Takes what was ordered just now out of the cart. The order stands either way: where this fails, it is done when the
/// cart is looked at next.
pub(super) async fn empty_cart(app: &App, visit: &Visit, session: &Session) {
    if let Err(error) = carts::settle(app.log.pool(), session.cart_id, visit.session.now()).await {
        tracing::warn!(%error, "what was ordered could not be taken out of its cart");
    }
    visit.session.changed().await;
}
