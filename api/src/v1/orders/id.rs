//! The order that a path names.

use crate::app::App;
use crate::auth::{Allowed, Permission};
use crate::problem::{Problem, rejection, within};
use axum::extract::{FromRequestParts, Path};
use commands::Snapshot;
use domain::ids::{OrderId, SubjectId};
use domain::order::Order;
use http::request::Parts;
use projections::order_list::Whose;
use std::sync::Arc;

/// A request with a key that allows `P`, about an order that the key reaches. There is no other way to the id in a
/// path, so that no handler can forget to look whose order it is. What is no id is no order: 404. So is somebody
/// else's, which a member's key is told from none by nothing.
pub(in crate::v1) struct Reached<P> {
    pub(super) allowed: Allowed<P>,
    pub(super) order: OrderId,
}

impl<P: Permission> FromRequestParts<Arc<App>> for Reached<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let allowed = Allowed::from_request_parts(parts, app).await?;
        let segment = Path::<String>::from_request_parts(parts, app).await.ok();
        let order = segment.and_then(|Path(text)| text.parse().ok()).ok_or_else(rejection::not_found::<Order>)?;
        match allowed.key.whose {
            Whose::Of(subject) if !is_of(app, order, subject).await? => Err(rejection::not_found::<Order>()),
            Whose::All | Whose::Of(_) => Ok(Self { allowed, order }),
        }
    }
}

/// Whose an order is never changes, so what is found here holds for all that follows.
async fn is_of(app: &App, order: OrderId, subject: SubjectId) -> Result<bool, Problem> {
    let snapshot: Arc<Snapshot<Order>> = within(app.gateway.load(&order.to_string())).await?;
    Ok(snapshot.state.placed().is_some_and(|placed| placed.customer.subject_id == subject))
}
