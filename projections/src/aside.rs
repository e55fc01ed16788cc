//! A view's tables made or copied beside those that serve, with no entry in the registry of builds: to be looked at and
//! dropped.

use crate::build;
use crate::projection::Definition;
use commands::db::APP_ROLE;
use sqlx::{Connection, Executor, PgConnection};

/// Makes a schema of that name with the tables of these projections, without the indexes that only readers need;
/// returns their names. What need not outlive a crash of PostgreSQL is spared the write-ahead log.
pub(crate) async fn make_tables(
    session: &mut PgConnection,
    schema: &str,
    definitions: &[&Definition],
    lasts: bool,
) -> Result<Vec<String>, sqlx::Error> {
    let mut transaction = session.begin().await?;
    let make = format!("SET LOCAL ROLE {APP_ROLE}; CREATE SCHEMA {schema}");
    transaction.execute(make.as_str()).await?;
    for definition in definitions {
        build::run_ddl(&mut transaction, schema, definition.tables).await?;
    }
    let tables = tables_in(&mut transaction, schema).await?;
    for table in tables.iter().filter(|_| !lasts) {
        let mut attempt = transaction.begin().await?;
        let spare_the_wal = format!(r#"ALTER TABLE {schema}."{table}" SET UNLOGGED"#);
        // A table that others refer to can't be; then it is written like any other.
        match attempt.execute(spare_the_wal.as_str()).await {
            Ok(_) => attempt.commit().await?,
            Err(_) => attempt.rollback().await?,
        }
    }
    transaction.commit().await?;
    Ok(tables)
}

/// Copies the tables of a schema into another one, rows without keys, as the caller's transaction sees them; returns
/// their names.
pub(crate) async fn copy_tables(
    session: &mut PgConnection,
    from: &str,
    to: &str,
    lasts: bool,
) -> Result<Vec<String>, sqlx::Error> {
    let tables = tables_in(session, from).await?;
    let create = if lasts { "CREATE TABLE" } else { "CREATE UNLOGGED TABLE" };
    for table in &tables {
        session.execute(format!(r#"{create} {to}."{table}" AS TABLE {from}."{table}""#).as_str()).await?;
    }
    Ok(tables)
}

/// The names of a schema's tables.
pub(crate) async fn tables_in(session: &mut PgConnection, schema: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY tablename")
        .bind(schema)
        .fetch_all(session)
        .await
}
