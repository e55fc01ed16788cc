//! Inviting, changing and disabling accounts.

use super::{Account, COLUMNS, Role};
use crate::db;
use chrono::{DateTime, Utc};
use domain::text::{Email, PersonName};
use sqlx::{Connection, FromRow, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long one of these changes may take.
const CHANGE_AT_MOST: Duration = Duration::from_secs(5);

/// Whom to make an account for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// By what they log in.
    pub email: Email,
    /// What they are called, until they say it themselves.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
}

/// Why an account is not changed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The address has an account.
    #[error("there is an account of this address already")]
    Exists,
    /// There is no such account.
    #[error("there is no such account of staff")]
    NotFound,
    /// Nobody could let anybody in again.
    #[error("this is the last owner who can log in: make another one first")]
    LastOwner,
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes an account; it is let in once a password was set by a link.
pub async fn invite(pool: &PgPool, whom: &Invitation, now: DateTime<Utc>) -> Result<Account, StaffError> {
    let sql = format!(
        "INSERT INTO staff_accounts AS a (id, email, email_key, name, role, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (email_key) DO NOTHING RETURNING {COLUMNS}"
    );
    let invite = sqlx::query_as(&sql)
        .bind(Uuid::now_v7())
        .bind(whom.email.as_str())
        .bind(whom.email.search_key())
        .bind(whom.name.as_str())
        .bind(whom.role.as_str())
        .bind(now);
    let account: Option<Account> = db::ask(pool, async |session| invite.fetch_optional(session).await).await?;
    account.ok_or(StaffError::Exists)
}

/// Gives an account another role, from its next request on.
pub async fn set_role(pool: &PgPool, id: Uuid, role: Role, now: DateTime<Utc>) -> Result<Account, StaffError> {
    change(pool, async |session| {
        if role != Role::Owner {
            keep_an_owner(session, id).await?;
        }
        let sql =
            format!("UPDATE staff_accounts AS a SET role = $2, changed_at = $3 WHERE id = $1 RETURNING {COLUMNS}");
        let set = sqlx::query_as(&sql).bind(id).bind(role.as_str()).bind(now);
        set.fetch_optional(session).await?.ok_or(StaffError::NotFound)
    })
    .await
}

/// Lets somebody in no longer: their sessions end, and links to set a password are void. Doing it again changes
/// nothing.
pub async fn disable(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Account, StaffError> {
    change(pool, async |session| {
        keep_an_owner(session, id).await?;
        let sql = format!(
            "WITH void AS (DELETE FROM staff_links WHERE account_id = $1),
             ended AS (DELETE FROM staff_sessions WHERE account_id = $1)
             UPDATE staff_accounts AS a
                SET disabled_at = coalesce(disabled_at, $2), credentials = credentials + 1, changed_at = $2
              WHERE id = $1 RETURNING {COLUMNS}"
        );
        let set = sqlx::query_as(&sql).bind(id).bind(now);
        set.fetch_optional(session).await?.ok_or(StaffError::NotFound)
    })
    .await
}

/// Lets somebody in again by the password that they had.
pub async fn enable(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<Account, StaffError> {
    let sql =
        format!("UPDATE staff_accounts AS a SET disabled_at = NULL, changed_at = $2 WHERE id = $1 RETURNING {COLUMNS}");
    let enable = sqlx::query_as(&sql).bind(id).bind(now);
    let account: Option<Account> = db::ask(pool, async |session| enable.fetch_optional(session).await).await?;
    account.ok_or(StaffError::NotFound)
}

/// Keeps the same password hashed anew, unless another was set meanwhile.
pub async fn rehash(pool: &PgPool, id: Uuid, old_hash: &str, hash: &str) -> Result<(), sqlx::Error> {
    let set = sqlx::query("UPDATE staff_accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2");
    let set = set.bind(id).bind(old_hash).bind(hash);
    db::ask(pool, async |session| set.execute(session).await).await.map(drop)
}

/// The account that a system begins with, until its password is set: an owner. `None` where anybody can log in already.
pub async fn first_owner(pool: &PgPool, whom: &Invitation, now: DateTime<Utc>) -> Result<Option<Account>, sqlx::Error> {
    let accounts = super::list(pool).await?;
    if accounts.iter().any(|account| account.has_password) {
        return Ok(None);
    }
    if let Some(owner) = accounts.into_iter().find(|account| account.role == Role::Owner) {
        return Ok(Some(owner).filter(|owner| owner.disabled_at.is_none()));
    }
    match invite(pool, whom, now).await {
        Ok(account) => Ok(Some(account)),
        Err(StaffError::Database(error)) => Err(error),
        // Somebody else of this address was invited just now.
        Err(_) => Ok(None),
    }
}

async fn change(
    pool: &PgPool,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<Account, StaffError>,
) -> Result<Account, StaffError> {
    db::work(pool, CHANGE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let account = work(&mut transaction).await?;
        transaction.commit().await?;
        Ok(account)
    })
    .await
}

#[derive(FromRow)]
struct OwnerRow {
    id: Uuid,
    has_password: bool,
}

/// Refuses to go on where `id` is the only owner who can log in. Holds all owners until the transaction ends, in one
/// order, so that of two who remove each other one is refused.
async fn keep_an_owner(session: &mut PgConnection, id: Uuid) -> Result<(), StaffError> {
    let owners: Vec<OwnerRow> = sqlx::query_as(
        "SELECT id, password_hash IS NOT NULL AS has_password FROM staff_accounts
          WHERE role = 'owner' AND disabled_at IS NULL ORDER BY id FOR UPDATE",
    )
    .fetch_all(session)
    .await?;
    let is_owner = owners.iter().any(|owner| owner.id == id);
    let another = owners.iter().any(|owner| owner.id != id && owner.has_password);
    if is_owner && !another { Err(StaffError::LastOwner) } else { Ok(()) }
}
