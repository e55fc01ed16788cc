//! Making, listing and revoking keys, for the command line.

use super::{Scope, Scopes, Token};
use chrono::{DateTime, Utc};
use commands::members;
use domain::ids::SubjectId;
use domain::text::Email;
use sqlx::PgPool;
use uuid::Uuid;

/// The most characters of a key's name.
const MAX_NAME_CHARS: usize = 100;

/// A key as it may be shown: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id; events name it as their actor.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// The part of the key that may be shown.
    pub prefix: String,
    /// What it is for.
    pub scopes: Scopes,
    /// The member whose orders and cart it reaches, and none besides; `None` for a key that is bound to nobody.
    pub member: Option<SubjectId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Why keys can't be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name is no name.
    #[error("a key's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
    Name,
    /// A key that allows nothing.
    #[error("a key needs at least one scope: {}", all_scopes())]
    NoScopes,
    /// Bound to a member it would reach beyond that member's orders.
    #[error(
        "a key that is bound to a member may have orders:read and orders:write, not {0}: that reaches beyond one \
         member's orders"
    )]
    NotForMembers(Scope),
    /// There is no such member. What was asked for is left out: it may be somebody's address.
    #[error("there is no member of this e-mail address or id")]
    NoMember,
    /// There is no such key.
    #[error("there is no API key `{0}`: `orders keys list` shows their ids and prefixes")]
    NotFound(String),
    /// The database is away or refuses.
    #[error("the API keys could not be read or written: {0}")]
    Database(#[from] sqlx::Error),
}

/// Makes a key. Its token is shown here once and never again.
pub async fn create(
    pool: &PgPool,
    name: &str,
    scopes: impl IntoIterator<Item = Scope>,
) -> Result<(ApiKey, Token), KeyError> {
    insert(pool, name, scopes.into_iter().collect(), None).await
}

/// Makes a key that is bound to a member, who is named by e-mail address or id: it reaches their orders and their cart
/// alone.
pub async fn create_for_member(
    pool: &PgPool,
    name: &str,
    scopes: impl IntoIterator<Item = Scope>,
    member: &str,
) -> Result<(ApiKey, Token), KeyError> {
    let scopes: Scopes = scopes.into_iter().collect();
    if let Some(scope) = scopes.iter().find(|scope| !scope.is_for_members()) {
        return Err(KeyError::NotForMembers(scope));
    }
    let member = member_named(pool, member).await?.ok_or(KeyError::NoMember)?;
    insert(pool, name, scopes, Some(member)).await
}

async fn member_named(pool: &PgPool, text: &str) -> Result<Option<SubjectId>, sqlx::Error> {
    if let Ok(id) = text.parse() {
        return Ok(members::get(pool, SubjectId(id)).await?.map(|member| member.id));
    }
    let Ok(email) = Email::parse(text) else { return Ok(None) };
    Ok(members::by_email(pool, &email).await?.map(|(member, _)| member.id))
}

async fn insert(
    pool: &PgPool,
    name: &str,
    scopes: Scopes,
    member: Option<SubjectId>,
) -> Result<(ApiKey, Token), KeyError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(KeyError::Name);
    }
    if scopes.is_empty() {
        return Err(KeyError::NoScopes);
    }
    let token = Token::random();
    let row: Row = sqlx::query_as(
        "INSERT INTO api_keys (id, name, prefix, secret_hash, scopes, member_id) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id, name, prefix, scopes, member_id, created_at, revoked_at",
    )
    .bind(Uuid::now_v7())
    .bind(name)
    .bind(token.prefix().as_str())
    .bind(token.hash().as_slice())
    .bind(scopes.iter().map(Scope::as_str).collect::<Vec<_>>())
    .bind(member.map(|member| member.0))
    .fetch_one(pool)
    .await?;
    Ok((row.into(), token))
}

/// All keys, revoked ones included, the oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<ApiKey>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, prefix, scopes, member_id, created_at, revoked_at FROM api_keys ORDER BY created_at, id",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Revokes the key of this id or prefix. Running processes refuse it within five seconds. Revoking again changes
/// nothing.
pub async fn revoke(pool: &PgPool, id_or_prefix: &str) -> Result<ApiKey, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = $1 OR id::text = $1
         RETURNING id, name, prefix, scopes, member_id, created_at, revoked_at",
    )
    .bind(id_or_prefix)
    .fetch_optional(pool)
    .await?;
    row.map(ApiKey::from).ok_or_else(|| KeyError::NotFound(id_or_prefix.to_owned()))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    member_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        let Row { id, name, prefix, scopes, member_id, created_at, revoked_at } = row;
        Self { id, name, prefix, scopes: known(&scopes), member: member_id.map(SubjectId), created_at, revoked_at }
    }
}

/// A scope that a newer program gave allows nothing here.
pub(super) fn known(scopes: &[String]) -> Scopes {
    scopes.iter().filter_map(|scope| scope.parse().ok()).collect()
}

fn all_scopes() -> String {
    Scope::ALL.map(Scope::as_str).join(", ")
}
