//! As whom a visitor is known.
//!
//! The session holds the member's id and the number of their password: with the next password it is nobody's.

use super::super::{Fault, Visit};
use super::LOG_IN;
use crate::app::App;
use crate::problem::{Problem, within};
use axum::response::Response;
use commands::members::{self, Member};
use commands::shop::sessions::{Lifetime, Session};
use commands::shop::{carts, member_carts, viewed};
use domain::ids::SubjectId;
use serde::{Deserialize, Serialize};

/// The member of the session's data.
const MARK: &str = "member";

#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    id: SubjectId,
    credentials: i64,
}

impl Mark {
    fn of(session: &Session) -> Option<Self> {
        Mark::deserialize(session.data.get(MARK)?).ok()
    }
}

/// The member that this visitor has logged in as. Costs nothing for one who has not.
pub(crate) async fn member(app: &App, visit: &Visit) -> Result<Option<Member>, Fault> {
    let Some(mark) = visit.session.get().await?.as_ref().and_then(Mark::of) else { return Ok(None) };
    let member = within(members::get(app.log.pool(), mark.id)).await?;
    Ok(member.filter(|member| member.credentials == mark.credentials && member.disabled_at.is_none()))
}

/// The member, or the way to the page where one logs in, which leads back here.
pub(super) async fn required(app: &App, visit: &Visit) -> Result<Result<Member, Response>, Fault> {
    match member(app, visit).await? {
        Some(member) => Ok(Ok(member)),
        None => {
            let next: String = form_urlencoded::byte_serialize(visit.here.as_bytes()).collect();
            Ok(Err(visit.see_other(&format!("{LOG_IN}?next={next}"))?))
        }
    }
}

/// Logs the visitor in: the session gets another secret, and what is in its cart, and what was looked at in it, become
/// the member's. It lives on as it did if no other lifetime is given.
pub(super) async fn sign_in(
    app: &App,
    visit: &Visit,
    (id, credentials): (SubjectId, i64),
    lifetime: Option<Lifetime>,
) -> Result<(), Fault> {
    let (pool, now) = (app.log.pool(), visit.session.now());
    // Before the one statement that logs in: where this fails, the visit goes on as it was.
    let cart = member_carts::of_member(pool, id, now).await.map_err(Problem::from)?;
    let mark = serde_json::to_value(Mark { id, credentials }).map_err(|_| Fault::Internal)?;
    let before = visit.session.log_in(MARK, &mark, lifetime).await?;
    visit.session.look_again().await;
    // What somebody else put in, who was logged in here before, stays theirs.
    if Mark::of(&before).is_some_and(|before| before.id != id) {
        return Ok(());
    }
    // Last, and not what logging in fails for: what was of the visit stays there.
    if let Err(error) = viewed::merge(pool, before.id, id.0).await {
        tracing::warn!(%error, "what a visitor looked at was not noted as the member's");
    }
    if let Err(error) = carts::merge(pool, before.cart_id, cart, now).await {
        tracing::warn!(%error, "a visitor's cart was not moved into the member's");
    }
    Ok(())
}
