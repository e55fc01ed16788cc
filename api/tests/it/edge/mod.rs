//! What stands between the program and its visitors: tags and codings, what is kept in memory, Redis, and nginx.

mod cache;
mod delivery;
mod nginx;
mod paths;
mod redis;
mod statics;
mod wire;

use crate::http_support::{BOUND, Instance, Reply};
use projections::Views;
use testkit::eventually;

/// Waits until every view holds what this answer is of.
async fn caught_up(instance: &Instance, reply: &Reply) {
    let position = reply.position();
    eventually("all views have caught up", BOUND, async || {
        for name in Views::names() {
            let at = instance.views.position(name).await.map_err(|error| error.to_string())?;
            if at.0 < position {
                return Err(format!("{name} is at {}", at.0));
            }
        }
        Ok(())
    })
    .await;
}
