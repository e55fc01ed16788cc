//! What makes two checkouts the same one: the cart, and its content.

use super::super::{Fault, Visit};
use crate::http::App;
use crate::problem::Problem;
use commands::IdempotencyKey;
use commands::shop::carts::{self, CartRef};
use commands::shop::sessions::Session;
use domain::ids::OrderId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Keeps these keys apart from those of the API's clients.
const PURPOSE: &str = "shop checkout";

/// The key of the order that is placed of this content of the session's cart, which a member may fill from several sessions. What else the form held does not matter: one
/// content is ordered once, and who sends it again, whatever was typed then, is led to the order that there is.
pub(super) fn of(session: &Session, content_id: Uuid) -> IdempotencyKey {
    let mut digest = Sha256::new();
    digest.update((PURPOSE.len() as u64).to_le_bytes());
    digest.update(PURPOSE);
    digest.update(session.cart_id.as_bytes());
    digest.update(content_id.as_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    IdempotencyKey { digest, request_digest: Sha256::digest(digest).into() }
}

/// The order that was placed of this content before.
pub(super) async fn placed_before(app: &App, session: &Session, content_id: Uuid) -> Result<Option<OrderId>, Fault> {
    let answer = app.gateway.answered(&of(session, content_id)).await.map_err(Problem::from)?;
    Ok(answer.and_then(|answer| answer.body.parse().ok()))
}

/// Takes what was ordered out of the cart, if that is still what is in it. The order stands either way: where this fails, the
/// next look at the checkout finds the order, and does it then.
pub(super) async fn empty_cart(app: &App, visit: &Visit, session: &Session, content_id: Uuid) {
    let (cart, now) = (CartRef::Visitor(session.cart_id), visit.session.now());
    if let Err(error) = carts::empty(app.log.pool(), cart, content_id, now).await {
        tracing::warn!(%error, "a cart could not be emptied after its order was placed");
    }
    visit.session.changed().await;
}
