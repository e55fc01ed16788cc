//! Makes the indexes of a build once it has caught up. That may take long, and nobody waits for it who wants to stop.

use crate::build::{self, Build, State};
use crate::cut::cut;
use crate::error::RunError;
use crate::projection::Definition;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

/// Makes the indexes of readers and takes the tables' statistics, so that the first reader meets good plans. Cancelled,
/// nothing of it is left, also on the server.
pub(crate) async fn make(
    pool: &PgPool,
    definition: &Definition,
    build: &mut Build,
    cancel: &CancellationToken,
) -> Result<(), RunError> {
    // Not given back when it is cut off in the midst of a statement: it would keep its place in the pool.
    let mut session = pool.acquire().await?.detach();
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut session).await?;
    let Some(made) = cancel.run_until_cancelled(make_on(&mut session, definition, build)).await else {
        cut(pool, process).await;
        return Err(RunError::Cancelled);
    };
    made?;
    session.close().await?;
    build.state = State::CatchingUp;
    Ok(())
}

async fn make_on(session: &mut PgConnection, definition: &Definition, build: &Build) -> Result<(), RunError> {
    let mut transaction = session.begin().await?;
    // One at a time. The build's row is left alone meanwhile: somebody may ask for something else of it.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('orders indexes ' || $1, 0))")
        .bind(&build.schema)
        .execute(&mut *transaction)
        .await?;
    let filling = "SELECT EXISTS (SELECT FROM public.projection_builds WHERE schema_name = $1 AND state = 'filling')";
    if !sqlx::query_scalar::<_, bool>(filling).bind(&build.schema).fetch_one(&mut *transaction).await? {
        // Somebody else was first.
        return Ok(transaction.rollback().await?);
    }
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
        .bind(&build.schema)
        .fetch_all(&mut *transaction)
        .await?;
    build::run_ddl(&mut transaction, &build.schema, definition.indexes).await?;
    for table in tables {
        transaction.execute(format!("ANALYZE \"{table}\"").as_str()).await?;
    }
    build::set_state(&mut transaction, &build.schema, State::CatchingUp).await?;
    transaction.commit().await?;
    Ok(())
}
