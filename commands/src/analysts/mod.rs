//! The logins of those who read the views in `analytics` by SQL.
//!
//! PostgreSQL takes settings from the role that logs in, never from its groups: a login that was made by hand and is a
//! member of [`ANALYST_ROLE`] has neither a time-out nor any other bound. So logins are made here, together with their
//! settings, in one transaction.

mod verifier;

use crate::db::{self, ANALYST_ROLE};
use sqlx::{Connection, FromRow, PgConnection, PgPool};
use std::time::Duration;

/// How long a change may take.
const CHANGE_AT_MOST: Duration = Duration::from_secs(10);
/// How often one login may be connected at once.
const MAX_CONNECTIONS: u32 = 3;
/// What one statement may write into temporary files. Only a superuser may set it.
const TEMP_FILES_AT_MOST: &str = "2GB";
/// How long a transaction may do nothing, in seconds.
const IDLE_AT_MOST_S: u32 = 60;
/// The longest name of a role, in bytes.
const MAX_NAME_BYTES: usize = 63;
/// PostgreSQL's own word for what a role may not do.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What a login is called: lower-case letters, digits and underscores, so that it needs no quotes anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName(String);

/// Why a text is no login's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a login's name is 1 to {MAX_NAME_BYTES} lower-case letters, digits and underscores, begins with a letter, and not with `pg_`"
)]
pub struct LoginNameError;

impl LoginName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, LoginNameError> {
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && !text.starts_with("pg_");
        if fits { Ok(Self(text.to_owned())) } else { Err(LoginNameError) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a login is not made or removed.
#[derive(Debug, thiserror::Error)]
pub enum AnalystError {
    /// The name is taken, by whomever.
    #[error("there is a role of this name already: choose another, or remove that one first")]
    Exists,
    /// There is no such login of an analyst.
    #[error("no analyst logs in by this name: `orders analysts list` shows who does")]
    NotFound,
    /// The group is missing.
    #[error("there is no role {ANALYST_ROLE}: docs/OPERATIONS.md, \"Analysts\", says what a superuser does")]
    NoGroup,
    /// Whoever asks may not make roles.
    #[error("this login may not make or remove roles: give the URL of one that has CREATEROLE, or of a superuser")]
    MayNot,
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for AnalystError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error).as_deref() {
            // Of a role: duplicate_object.
            Some("42710") => Self::Exists,
            Some(INSUFFICIENT_PRIVILEGE) => Self::MayNot,
            _ => Self::Database(error),
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
}

/// A login, and what bounds it in this database.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Analyst {
    /// The server's own number of it.
    id: i64,
    /// What it logs in as.
    pub name: String,
    /// How often at once; -1 where nothing bounds it.
    pub max_connections: i32,
    /// What its sessions begin with, each as `name=value`.
    pub settings: Vec<String>,
    /// How many sessions it has at this moment.
    pub sessions: i64,
}

impl Analyst {
    /// A setting's value, if it has one of its own.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Whether the size of its temporary files is bounded, which only a superuser may do.
    pub bounds_temp_files: bool,
}

/// Makes a login with all its settings. What the server is told of the password does not give it away.
pub async fn add(
    pool: &PgPool,
    name: &LoginName,
    password: &str,
    statement_at_most_s: u32,
) -> Result<Added, AnalystError> {
    let verifier = verifier::of(password)?;
    db::work(pool, CHANGE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let group = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
        if !group.bind(ANALYST_ROLE).fetch_one(&mut *transaction).await? {
            return Err(AnalystError::NoGroup);
        }
        // Names and values are quoted by the server: what makes roles takes no parameters.
        let name = name.as_str();
        for (template, value) in [
            (
                format!(
                    "CREATE ROLE %1$I LOGIN PASSWORD %2$L CONNECTION LIMIT {MAX_CONNECTIONS} IN ROLE {ANALYST_ROLE}"
                ),
                verifier,
            ),
            (setting("statement_timeout"), format!("{statement_at_most_s}s")),
            (setting("idle_in_transaction_session_timeout"), format!("{IDLE_AT_MOST_S}s")),
            (setting("default_transaction_read_only"), "on".to_owned()),
        ] {
            run(&mut transaction, &template, name, &value).await?;
        }
        let mut part = transaction.begin().await?;
        let bounded = run(&mut part, "ALTER ROLE %1$I SET temp_file_limit = %2$L", name, TEMP_FILES_AT_MOST).await;
        let bounds_temp_files = match bounded {
            Ok(()) => part.commit().await.map(|()| true)?,
            Err(error) if code(&error).as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
                part.rollback().await.map(|()| false)?
            }
            Err(error) => return Err(error.into()),
        };
        transaction.commit().await?;
        Ok(Added { bounds_temp_files })
    })
    .await
}

/// One setting of a login in this database.
fn setting(name: &str) -> String {
    format!("ALTER ROLE %1$I IN DATABASE %3$I SET {name} = %2$L")
}

/// Carries out a statement about the role `%1`, with the value `%2`, in the database `%3`.
async fn run(session: &mut PgConnection, template: &str, name: &str, value: &str) -> Result<(), sqlx::Error> {
    let statement: String = sqlx::query_scalar("SELECT format($1, $2, $3, current_database())")
        .bind(template)
        .bind(name)
        .bind(value)
        .fetch_one(&mut *session)
        .await?;
    sqlx::query(&statement).persistent(false).execute(session).await.map(|_| ())
}

/// All logins of the group, also those that were made by hand.
pub async fn list(pool: &PgPool) -> Result<Vec<Analyst>, AnalystError> {
    // Since PostgreSQL 16 whoever makes a role is a member that may admit others.
    let ask = sqlx::query_as(
        "SELECT r.oid::bigint AS id, r.rolname::text AS name, r.rolconnlimit AS max_connections,
                ARRAY (SELECT one FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS one
                        WHERE s.setrole = r.oid
                          AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                        ORDER BY one) AS settings,
                (SELECT count(*) FROM pg_stat_activity AS a WHERE a.usesysid = r.oid) AS sessions
           FROM pg_roles AS r
          WHERE r.rolcanlogin
            AND EXISTS (SELECT FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
                         WHERE g.rolname = $1 AND m.member = r.oid AND NOT m.admin_option)
          ORDER BY 2",
    );
    let ask = ask.bind(ANALYST_ROLE);
    Ok(db::ask(pool, async |session| ask.fetch_all(session).await).await?)
}

/// Removes a login. Says how many of its sessions go on until they end by themselves: ending them takes more rights
/// than removing it.
pub async fn remove(pool: &PgPool, name: &LoginName) -> Result<u64, AnalystError> {
    let logins = list(pool).await?;
    let login = logins.iter().find(|login| login.name == name.as_str()).ok_or(AnalystError::NotFound)?;
    db::work(pool, CHANGE_AT_MOST, async |session| {
        run(session, "DROP ROLE %1$I", &login.name, "").await?;
        let end =
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1::bigint::oid");
        match end.bind(login.id).execute(session).await {
            Ok(_) => Ok(0),
            Err(error) if code(&error).as_deref() == Some(INSUFFICIENT_PRIVILEGE) => Ok(login.sessions.unsigned_abs()),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quotes() {
        for name in ["ada", "ada_2", "a"] {
            assert_eq!(LoginName::parse(name).map(|name| name.0), Ok(name.to_owned()));
        }
        for name in ["", "Ada", "2ada", "_ada", "ada-b", "ada b", "pg_ada", "ad\"a", &"a".repeat(64)] {
            assert_eq!(LoginName::parse(name), Err(LoginNameError), "{name}");
        }
    }
}
