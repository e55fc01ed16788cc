//! The administrator of a system that nobody set up: an owner's account without a password, and a link that sets one.

use crate::admin::password_link;
use chrono::{DateTime, Utc};
use commands::staff::accounts::{self, Invitation};
use commands::staff::{Role, links};
use domain::text::{Email, PersonName};
use sqlx::PgPool;

/// By what the administrator logs in.
const EMAIL: &str = "admin@example.com";
const NAME: &str = "Administrator";

/// A link to set the administrator's password; the one of the start before is void. `None` once anybody has a password.
pub async fn link(pool: &PgPool, base: &str, now: DateTime<Utc>) -> Result<Option<String>, sqlx::Error> {
    let (Ok(email), Ok(name)) = (Email::parse(EMAIL), PersonName::parse(NAME)) else { return Ok(None) };
    let Some(owner) = accounts::first_owner(pool, &Invitation { email, name, role: Role::Owner }, now).await? else {
        return Ok(None);
    };
    let token = links::make(pool, owner.id, now).await?;
    Ok(token.map(|token| password_link(base, &token)))
}
