//! The roles and the database of the private server. Its superuser is used here and nowhere else.

use super::PostgresError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use std::str::FromStr;

/// Who sets the rest up.
pub(super) const SUPERUSER: &str = "postgres";
/// Who owns the database and its tables, and migrates them.
pub(super) const OWNER: &str = "orders_owner";
/// As whom the program connects: a member of [`commands::db::APP_ROLE`].
pub(super) const LOGIN: &str = "orders_login";
/// The database.
pub(super) const DATABASE: &str = "orders";

/// Makes what is missing. Each step can be repeated, so that a start that was cut off is finished by the next.
pub(super) async fn set_up(superuser_url: impl Fn(&str) -> String) -> Result<(), PostgresError> {
    let mut cluster = connect(&superuser_url(SUPERUSER)).await?;
    let complete = "SELECT EXISTS (SELECT FROM pg_database AS d WHERE datname = $1
                            AND EXISTS (SELECT FROM pg_shdescription WHERE objoid = d.oid AND description = $2))";
    let complete: bool = sqlx::query_scalar(complete).bind(DATABASE).bind(MARK).fetch_one(&mut cluster).await?;
    // Also where all else is there already: a newer program may bring a role along.
    make_roles(&mut cluster).await?;
    if !complete {
        make_database(&mut cluster).await?;
        let mut database = connect(&superuser_url(DATABASE)).await?;
        // Up to PostgreSQL 14 everyone may make tables in it.
        let schema = format!("ALTER SCHEMA public OWNER TO {OWNER}; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        database.execute(schema.as_str()).await?;
        database.close().await?;
        cluster.execute(format!("COMMENT ON DATABASE {DATABASE} IS '{MARK}'").as_str()).await?;
    }
    Ok(cluster.close().await?)
}

/// Written on the database when all is done.
const MARK: &str = "The orders of one shop";

async fn connect(url: &str) -> Result<PgConnection, PostgresError> {
    let options = PgConnectOptions::from_str(url)?.application_name("orders setup");
    Ok(PgConnection::connect_with(&options).await?)
}

async fn make_roles(cluster: &mut PgConnection) -> Result<(), PostgresError> {
    let group = commands::db::APP_ROLE;
    for (role, rights) in [
        (OWNER, "LOGIN".to_owned()),
        (group, "NOLOGIN".to_owned()),
        (commands::db::ANALYST_ROLE, "NOLOGIN".to_owned()),
        (LOGIN, format!("LOGIN IN ROLE {group}")),
    ] {
        let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
        if !exists.bind(role).fetch_one(&mut *cluster).await? {
            cluster.execute(format!("CREATE ROLE {role} {rights}").as_str()).await?;
        }
    }
    Ok(())
}

async fn make_database(cluster: &mut PgConnection) -> Result<(), PostgresError> {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    if !exists.bind(DATABASE).fetch_one(&mut *cluster).await? {
        cluster.execute(format!("CREATE DATABASE {DATABASE} OWNER {OWNER}").as_str()).await?;
    }
    Ok(())
}
