//! Builds that nobody reads any more are dropped.

use crate::build;
use crate::error::RunError;
use crate::projection::Definition;
use crate::reading::{self, FOLLOWED};
use crate::recorded;
use commands::audit;
use commands::db::{self, APP_ROLE};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::time::Duration;

/// How long dropping a build may take: a large one has many files.
const DROP_AT_MOST: Duration = Duration::from_secs(60);
/// How long dropping a schema may wait for a reader that still holds it, in Postgres' spelling.
const DROP_WAITS_AT_MOST: &str = "2s";

/// Drops the retired builds of this version and older ones that nobody reads, but for the one before the active one,
/// which a reader may hold at this moment and an operator may want back; and those that stopped before they were whole.
/// What a person asked for stays, also where it stopped, with what it says of that, for as long as programs of this
/// version may be asked to go on with it; and so does what programs of another version follow. One that can't be
/// dropped keeps no other.
pub(crate) async fn drop_unused(pool: &PgPool, definition: &Definition) -> Result<(), RunError> {
    let sql = format!(
        "SELECT schema_name FROM public.projection_builds AS b
          WHERE projection = $1 AND version <= $2
            AND (state = 'retired' OR (state IN ('filling', 'catching_up') AND error IS NOT NULL
                                       AND (asked_by IS NULL OR version < $2)))
            AND NOT {FOLLOWED}
            AND schema_name IS DISTINCT FROM (SELECT schema_name FROM public.projection_builds
                                               WHERE projection = $1 AND state = 'retired'
                                               ORDER BY updated_at DESC LIMIT 1)
          ORDER BY created_at, schema_name"
    );
    let (name, version) = (definition.name, definition.version.cast_signed());
    let unused: Vec<String> = db::read(pool, async |session| {
        sqlx::query_scalar::<_, String>(&sql).bind(name).bind(version).fetch_all(session).await
    })
    .await?;
    for schema in unused {
        if let Err(error) = drop_build(pool, name, &schema, None).await {
            tracing::info!(schema, %error, "a build that nobody reads stays until the next promotion");
        }
    }
    Ok(())
}

/// Drops a build that is not the active one, as somebody asked for or not; `false` when it is, or is gone.
pub(crate) async fn drop_build(pool: &PgPool, name: &str, schema: &str, by: Option<&str>) -> Result<bool, RunError> {
    match db::work(pool, DROP_AT_MOST, async |session| drop_on(session, name, schema, by).await).await {
        Err(RunError::Database(error)) if !db::surely_undone(&error) => {
            // The reply to the commit may have been lost: if it is gone, it was dropped, and that was taken down with
            // it.
            let settled = build::settled(pool, name, schema).await;
            if matches!(settled, Ok(None)) { Ok(true) } else { Err(error.into()) }
        }
        outcome => outcome,
    }
}

async fn drop_on(session: &mut PgConnection, name: &str, schema: &str, by: Option<&str>) -> Result<bool, RunError> {
    let mut transaction = session.begin().await?;
    let outcome = drop_in(&mut transaction, name, schema, by).await;
    if let Ok(true) = outcome {
        transaction.commit().await?;
    } else {
        // The error that led here says more than one of the rollback could.
        let _ = transaction.rollback().await;
    }
    outcome
}

async fn drop_in(transaction: &mut PgConnection, name: &str, schema: &str, by: Option<&str>) -> Result<bool, RunError> {
    // Nobody promotes it meanwhile.
    build::lock_registry(transaction, name).await?;
    if reading::is_followed(transaction, schema).await? {
        let version = sqlx::query_scalar("SELECT version FROM public.projection_builds WHERE schema_name = $1");
        let version: i32 = version.bind(schema).fetch_one(&mut *transaction).await?;
        return Err(RunError::IsFollowed { build: schema.to_owned(), version: version.unsigned_abs() });
    }
    let gone = sqlx::query(
        "DELETE FROM public.projection_builds WHERE projection = $1 AND schema_name = $2 AND state <> 'active'",
    );
    if gone.bind(name).bind(schema).execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(by) = by {
        let arguments = json!({ "build": schema });
        audit::append(transaction, &recorded::action(by, "projection.drop", name, arguments)).await?;
    }
    let drop = format!(
        "SET LOCAL lock_timeout = '{DROP_WAITS_AT_MOST}'; SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS {schema} CASCADE"
    );
    transaction.execute(drop.as_str()).await?;
    Ok(true)
}
