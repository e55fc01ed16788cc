//! As whom a visitor is known.
//!
//! The session holds the member's id and the number of their password: with the next password it is nobody's.

use super::super::{Fault, Visit};
use super::LOG_IN;
use crate::http::App;
use crate::problem::{Problem, within};
use axum::response::Response;
use commands::members::{self, Member};
use commands::shop::sessions::{self, Session};
use commands::shop::{carts, member_carts};
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

/// Logs the visitor in: the session gets another secret, and what is in its cart goes into the member's.
pub(super) async fn sign_in(app: &App, visit: &Visit, id: SubjectId, credentials: i64) -> Result<(), Fault> {
    let session = visit.session.rotate().await?;
    let (pool, now) = (app.log.pool(), visit.session.now());
    let cart = member_carts::of_member(pool, id, now).await.map_err(Problem::from)?;
    let mark = serde_json::to_value(Mark { id, credentials }).map_err(|_| Fault::Internal)?;
    sessions::set_data(pool, session.id, MARK, &mark).await.map_err(Problem::from)?;
    // What somebody else put in, who was logged in here before, stays theirs.
    if Mark::of(&session).is_some_and(|before| before.id != id) {
        return Ok(());
    }
    // Last, and not what logging in fails for: what was in the cart of the visit stays there.
    if let Err(error) = carts::merge(pool, session.cart_id, cart, now).await {
        tracing::warn!(%error, "a visitor's cart was not moved into the member's");
    }
    Ok(())
}
