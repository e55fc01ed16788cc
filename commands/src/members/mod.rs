//! The accounts of customers, in plain tables: they change in place and are no history. Orders name a member by its id,
//! as the subject of their personal data.
//!
//! Nobody learns from an answer, or from how long it takes, who is a member: what depends on that is decided when a
//! mail is written ([`letters`]), by a job of the schedule, and told to the owner of the address alone.
//!
//! - [`passwords`]: how they are hashed. [`LinkToken`]: what the links in mails hold.
//! - [`staff`]: what staff see of them, and keeping one out.
//! - [`joining`]: from asking for an account to having one. [`recovery`]: a new password for a forgotten one.

pub mod joining;
pub mod letters;
pub mod passwords;
pub mod recovery;
pub mod staff;
mod token;

pub use token::LinkToken;

use crate::db;
use crate::schedule::later;
use chrono::{DateTime, Utc};
use domain::ids::SubjectId;
use domain::order::ShippingAddress;
use domain::text::{City, Email, PersonName, PostalCode, StreetAddress, TextError};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};

/// How many rows one sweep deletes at a time, so that none holds locks for long.
const SWEEP_ROWS: i64 = 1_000;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Whose personal data their orders hold.
    pub id: SubjectId,
    /// Where mails go, and by what they log in.
    pub email: Email,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// The tag of the language that they are written to in.
    pub lang: String,
    /// Where their orders go, if they said so.
    pub address: Option<ShippingAddress>,
    /// Rises with each new password.
    pub credentials: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when they are kept out, if they are.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl<'r> FromRow<'r, PgRow> for Member {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let place: (Option<String>, Option<String>, Option<String>) =
            (row.try_get("address")?, row.try_get("postal_code")?, row.try_get("city")?);
        let address = match place {
            (Some(address), Some(postal_code), Some(city)) => Some(ShippingAddress {
                address: StreetAddress::parse(&address).map_err(unreadable)?,
                postal_code: PostalCode::parse(&postal_code).map_err(unreadable)?,
                city: City::parse(&city).map_err(unreadable)?,
                country: None,
            }),
            _ => None,
        };
        Ok(Self {
            id: SubjectId(row.try_get("id")?),
            email: Email::parse(row.try_get("email")?).map_err(unreadable)?,
            first_name: PersonName::parse(row.try_get("first_name")?).map_err(unreadable)?,
            last_name: PersonName::parse(row.try_get("last_name")?).map_err(unreadable)?,
            lang: row.try_get("lang")?,
            address,
            credentials: row.try_get("credentials")?,
            created_at: row.try_get("created_at")?,
            disabled_at: row.try_get("disabled_at")?,
        })
    }
}

/// What was parsed before it was stored can't be read: a fault of ours. The text itself is left out.
fn unreadable(error: TextError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// The member of that id.
pub async fn get(pool: &PgPool, id: SubjectId) -> Result<Option<Member>, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_as("SELECT * FROM members WHERE id = $1").bind(id.0).fetch_optional(session).await
    })
    .await
}

/// The member of an address, and the hash of the password.
pub async fn by_email(pool: &PgPool, email: &Email) -> Result<Option<(Member, String)>, sqlx::Error> {
    let key = email.search_key();
    let row: Option<PgRow> = db::read(pool, async |session| {
        sqlx::query("SELECT * FROM members WHERE email_key = $1").bind(&key).fetch_optional(session).await
    })
    .await?;
    row.map(|row| Ok((Member::from_row(&row)?, row.try_get("password_hash")?))).transpose()
}

/// Sets where a member's orders go, and what they are called.
pub async fn set_person(
    pool: &PgPool,
    id: SubjectId,
    (first_name, last_name): (&PersonName, &PersonName),
    address: Option<&ShippingAddress>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let set = sqlx::query(
        "UPDATE members SET first_name = $2, last_name = $3, address = $4, postal_code = $5, city = $6, changed_at = $7
          WHERE id = $1",
    );
    let set = set
        .bind(id.0)
        .bind(first_name.as_str())
        .bind(last_name.as_str())
        .bind(address.map(|place| place.address.as_str()))
        .bind(address.map(|place| place.postal_code.as_str()))
        .bind(address.map(|place| place.city.as_str()))
        .bind(now);
    db::ask(pool, async |session| set.execute(session).await).await.map(drop)
}

/// Keeps the same password hashed anew, unless another was set meanwhile.
pub async fn rehash(pool: &PgPool, id: SubjectId, old_hash: &str, hash: &str) -> Result<(), sqlx::Error> {
    let set = sqlx::query("UPDATE members SET password_hash = $3 WHERE id = $1 AND password_hash = $2");
    let set = set.bind(id.0).bind(old_hash).bind(hash);
    db::ask(pool, async |session| set.execute(session).await).await.map(drop)
}

/// Sets another password: what was let in by the one before is let in no longer, and links to set one are void. Returns
/// [`Member::credentials`] as they are now; `None` where there is no such member.
pub async fn set_password(
    pool: &PgPool,
    id: SubjectId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    let set = sqlx::query_scalar(
        "WITH void AS (DELETE FROM password_resets WHERE member_id = $1)
         UPDATE members SET password_hash = $2, credentials = credentials + 1, changed_at = $3
          WHERE id = $1 RETURNING credentials",
    );
    let set = set.bind(id.0).bind(hash).bind(now);
    db::ask(pool, async |session| set.fetch_optional(session).await).await
}

/// Deletes what was asked for and not followed up in time; returns how much.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let sign_ups = "DELETE FROM sign_ups WHERE id = ANY(ARRAY(
         SELECT id FROM sign_ups WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    let resets =
        "DELETE FROM password_resets WHERE token_hash = ANY(ARRAY(
         SELECT token_hash FROM password_resets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    Ok(db::sweep(pool, sign_ups, now, SWEEP_ROWS).await? + db::sweep(pool, resets, now, SWEEP_ROWS).await?)
}
