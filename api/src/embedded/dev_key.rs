//! The API key of the demo: made once, kept in the data directory, with every scope.

use super::directory::DataDirectory;
use crate::auth::keys::{self, KeyError};
use crate::auth::{Scope, Token};
use sqlx::PgPool;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum DevKeyError {
    /// The database.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file.
    #[error("the API key can't be kept in {path}: {source}")]
    Io {
        /// Where.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The file of the data directory that holds it.
pub const FILE: &str = "dev-api-key";

/// Where the key is kept, for the eyes of our user alone.
pub fn path(directory: &DataDirectory) -> PathBuf {
    directory.join(FILE)
}

/// The key that is kept, if the database still takes it; else a new one.
pub async fn ensure(directory: &DataDirectory, pool: &PgPool) -> Result<Token, DevKeyError> {
    let path = path(directory);
    let kept = fs::read_to_string(&path).ok().and_then(|text| Token::parse(text.trim()));
    if let Some(token) = kept
        && is_valid(pool, &token).await?
    {
        return Ok(token);
    }
    let (_, token) = keys::create(pool, "development", Scope::ALL).await?;
    write(&path, &token).map_err(|source| DevKeyError::Io { path: path.display().to_string(), source })?;
    Ok(token)
}

async fn is_valid(pool: &PgPool, token: &Token) -> Result<bool, KeyError> {
    let known = keys::list(pool).await?;
    Ok(known.iter().any(|key| key.prefix == token.prefix().as_str() && key.revoked_at.is_none()))
}

/// Under another name first: the file holds a whole key or is not there.
fn write(path: &Path, token: &Token) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&new, path)
}
