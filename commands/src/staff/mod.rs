//! Who works behind the counter: accounts with a role, in plain tables. Events name whoever acted as `staff:<id>`.
//!
//! There is no password until somebody sets one by a link that works once ([`links`]). Of owners there is always one
//! who can log in: the last is neither disabled nor given another role.
//!
//! - [`accounts`]: inviting, changing, disabling. [`links`]: to set a password. [`sessions`]: who is logged in.
//! - [`letters`]: the mail that brings a link. [`notes`]: what staff note about an order among themselves.

pub mod accounts;
pub mod letters;
pub mod links;
pub mod notes;
pub mod sessions;

use crate::db;
use chrono::{DateTime, Utc};
use domain::text::{Email, PersonName};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// What goes before an account's id where events name who acted.
const ACTOR: &str = "staff:";
/// How many rows one sweep deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 1_000;

/// What somebody may do; which role may do what is said where permissions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, the accounts of staff included.
    Owner,
    /// Everything but the accounts of staff.
    Manager,
    /// Orders, and what customers write about them.
    Clerk,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: there are owner, manager and clerk")]
pub struct UnknownRole(pub String);

impl Role {
    /// All, the one that may most first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Manager, Self::Clerk];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Clerk => "clerk",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Somebody's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// By what they log in.
    pub email: Email,
    /// What they are called.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
    /// Whether a password was set; without, a link is awaited.
    pub has_password: bool,
    /// Rises with each new password.
    pub credentials: i64,
    /// Since when they are let in no longer.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they last logged in.
    pub last_log_in_at: Option<DateTime<Utc>>,
    /// Since when there is the account.
    pub created_at: DateTime<Utc>,
}

impl Account {
    /// As whom events name them.
    pub fn actor(&self) -> String {
        actor(self.id)
    }
}

/// As whom events name the account of this id.
pub fn actor(id: Uuid) -> String {
    format!("{ACTOR}{id}")
}

/// The account that an event names as its actor; `None` for an actor that is no member of staff.
pub fn of_actor(actor: &str) -> Option<Uuid> {
    actor.strip_prefix(ACTOR)?.parse().ok()
}

/// The columns of an [`Account`]; of a table called `a`.
const COLUMNS: &str = "a.id, a.email, a.name, a.role, a.password_hash IS NOT NULL AS has_password, a.credentials, \
     a.disabled_at, a.last_log_in_at, a.created_at";

impl<'r> FromRow<'r, PgRow> for Account {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            email: Email::parse(row.try_get("email")?).map_err(unreadable)?,
            name: PersonName::parse(row.try_get("name")?).map_err(unreadable)?,
            role: row.try_get::<String, _>("role")?.parse().map_err(unreadable::<UnknownRole>)?,
            has_password: row.try_get("has_password")?,
            credentials: row.try_get("credentials")?,
            disabled_at: row.try_get("disabled_at")?,
            last_log_in_at: row.try_get("last_log_in_at")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// What was parsed before it was stored can't be read: a fault of ours. The text itself is left out.
fn unreadable<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// All accounts, those that are disabled last, else by address.
pub async fn list(pool: &PgPool) -> Result<Vec<Account>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM staff_accounts AS a ORDER BY a.disabled_at IS NOT NULL, a.email_key");
    db::read(pool, async |session| sqlx::query_as(&sql).fetch_all(session).await).await
}

/// The account of that id.
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Account>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM staff_accounts AS a WHERE a.id = $1");
    db::read(pool, async |session| sqlx::query_as(&sql).bind(id).fetch_optional(session).await).await
}

/// The account of an address, and the hash of its password if one was set.
pub async fn by_email(pool: &PgPool, email: &Email) -> Result<Option<(Account, Option<String>)>, sqlx::Error> {
    let key = email.search_key();
    let sql = format!("SELECT {COLUMNS}, a.password_hash FROM staff_accounts AS a WHERE a.email_key = $1");
    let row: Option<PgRow> =
        db::read(pool, async |session| sqlx::query(&sql).bind(&key).fetch_optional(session).await).await?;
    row.map(|row| Ok((Account::from_row(&row)?, row.try_get("password_hash")?))).transpose()
}

/// What those of these accounts are called that there are, disabled or not.
pub async fn names(pool: &PgPool, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = db::read(pool, async |session| {
        sqlx::query_as("SELECT id, name FROM staff_accounts WHERE id = ANY($1)").bind(ids).fetch_all(session).await
    })
    .await?;
    Ok(rows.into_iter().collect())
}

/// Deletes links and sessions that are over; returns how many.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let links =
        "DELETE FROM staff_links WHERE account_id = ANY(ARRAY(
         SELECT account_id FROM staff_links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    let sessions = "DELETE FROM staff_sessions WHERE id = ANY(ARRAY(
         SELECT id FROM staff_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    Ok(db::sweep(pool, links, now, SWEEP_ROWS).await? + db::sweep(pool, sessions, now, SWEEP_ROWS).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_leads_back_to_the_account() {
        let id = Uuid::now_v7();
        assert_eq!(of_actor(&actor(id)), Some(id));
        for other in ["", "staff:", "member", &id.to_string(), "staff:ada"] {
            assert_eq!(of_actor(other), None, "{other}");
        }
    }

    #[test]
    fn a_role_reads_back_and_others_are_refused() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Owner".parse::<Role>(), Err(UnknownRole("Owner".to_owned())));
    }
}
