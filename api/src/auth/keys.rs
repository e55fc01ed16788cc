//! Making, listing and revoking keys, for the command line.

use super::{Scope, Scopes, Token};
use chrono::{DateTime, Utc};
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
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(KeyError::Name);
    }
    let scopes: Scopes = scopes.into_iter().collect();
    if scopes.is_empty() {
        return Err(KeyError::NoScopes);
    }
    let token = Token::random();
    let row: Row = sqlx::query_as(
        "INSERT INTO api_keys (id, name, prefix, secret_hash, scopes) VALUES ($1, $2, $3, $4, $5)
         RETURNING id, name, prefix, scopes, created_at, revoked_at",
    )
    .bind(Uuid::now_v7())
    .bind(name)
    .bind(token.prefix().as_str())
    .bind(token.hash().as_slice())
    .bind(scopes.iter().map(Scope::as_str).collect::<Vec<_>>())
    .fetch_one(pool)
    .await?;
    Ok((row.into(), token))
}

/// All keys, revoked ones included, the oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<ApiKey>, KeyError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT id, name, prefix, scopes, created_at, revoked_at FROM api_keys ORDER BY created_at, id")
            .fetch_all(pool)
            .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Revokes the key of this id or prefix. Running processes refuse it within five seconds. Revoking again changes nothing.
pub async fn revoke(pool: &PgPool, id_or_prefix: &str) -> Result<ApiKey, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = $1 OR id::text = $1
         RETURNING id, name, prefix, scopes, created_at, revoked_at",
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
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        let Row { id, name, prefix, scopes, created_at, revoked_at } = row;
        Self { id, name, prefix, scopes: known(&scopes), created_at, revoked_at }
    }
}

/// A scope that a newer program gave allows nothing here.
pub(super) fn known(scopes: &[String]) -> Scopes {
    scopes.iter().filter_map(|scope| scope.parse().ok()).collect()
}

fn all_scopes() -> String {
    Scope::ALL.map(Scope::as_str).join(", ")
}
