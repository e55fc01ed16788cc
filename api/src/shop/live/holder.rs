//! Who follows an order with an API key instead of a browser: the program of a member.

use super::super::{Fault, order_page};
use super::hub::Badge;
use crate::app::App;
use crate::auth::permission::{ReadMessages, WriteMessages};
use crate::auth::{Permission, Scopes, Token, bearer, has_bearer};
use crate::problem::within;
use axum::extract::OptionalFromRequestParts;
use domain::ids::{OrderId, SubjectId};
use http::request::Parts;
use projections::order_list::Whose;
use std::sync::Arc;

/// The holder of a key that is bound to a member, and may read that member's orders.
pub(super) struct Holder {
    token: Token,
    scopes: Scopes,
    member: SubjectId,
}

/// `None` for a request that bears no key, a browser's, and for one whose key is bound to nobody, which counts for
/// nothing here: what is written on a socket is the customer's.
impl OptionalFromRequestParts<Arc<App>> for Holder {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Self>, Fault> {
        if !has_bearer(&parts.headers) {
            return Ok(None);
        }
        let token = bearer(&parts.headers)?;
        let key = within(app.keys.verify(&token)).await?.ok_or(Fault::Forbidden)?;
        let Whose::Of(member) = key.whose else { return Ok(None) };
        if !key.scopes.has_any(ReadMessages::OF_MEMBERS) {
            return Err(Fault::Forbidden);
        }
        app.limiter.take(key.id)?;
        Ok(Some(Self { token, scopes: key.scopes, member }))
    }
}

impl Holder {
    /// The order of a path, if it is the member's. A foreign one is told from none by nothing.
    pub(super) async fn reaches(&self, app: &App, id: &str) -> Result<(OrderId, Badge), Fault> {
        let order: OrderId = id.parse().map_err(|_| Fault::NotFound)?;
        order_page::own(app, self.member, order).await?;
        Ok((order, Badge { order: Some(order), member: Some(self.member.0), ..Badge::default() }))
    }

    /// Whether the key allows writing to staff.
    pub(super) fn may_write(&self) -> bool {
        self.scopes.has_any(WriteMessages::OF_MEMBERS)
    }

    /// Whether the key is still valid. While the database is away it counts as it did before.
    pub(super) async fn is_valid(&self, app: &App) -> bool {
        within(app.keys.verify(&self.token)).await.map_or(true, |key| key.is_some())
    }
}
