//! How a build begins: its row in the registry, its schema, its tables.

use super::{Build, BuildSettings, CHANGE_AT_MOST, COLUMNS, Row, State, active, lock_registry, set_promotes};
use crate::error::RunError;
use crate::projection::Definition;
use crate::reading;
use crate::rebuild::Then;
use commands::db::{self, APP_ROLE};
use commands::{Log, LogError, LogIdentity, Start};
use domain::Position;
use sqlx::types::Json;
use sqlx::{Connection, Executor, PgConnection};

/// Where a build begins if none of its view did before.
pub(crate) struct Beginning {
    log: LogIdentity,
    after: Position,
}

impl Beginning {
    /// Asked on sessions of its own, so before one is taken for the rest.
    pub(crate) async fn of(log: &Log, definition: &Definition) -> Result<Self, RunError> {
        let after = definition.start.position(log).await.map_err(|error| match error {
            LogError::Start(fault) => RunError::NoStart { name: definition.name, fault },
            error => error.into(),
        })?;
        Ok(Self { log: log.identity(), after })
    }
}

/// A build that was begun, or gone on with.
pub(crate) struct Begun {
    pub(crate) build: Build,
    /// The schema of the one that served then.
    pub(crate) beside: Option<String>,
}

/// The build to go on with: one that was begun for the same version, settings and log, else a new one. `None` where
/// `then` wants none: a first build where there is one by now that programs of this version follow; what was asked for
/// where that is done by now.
pub(crate) async fn find_or_create(
    log: &Log,
    definition: &Definition,
    settings: &BuildSettings,
    then: Then,
) -> Result<Option<Begun>, RunError> {
    let beginning = Beginning::of(log, definition).await?;
    db::work(log.pool(), CHANGE_AT_MOST, async |session| {
        begin_on(session, &beginning, definition, settings, then).await
    })
    .await
}

async fn begin_on(
    session: &mut PgConnection,
    beginning: &Beginning,
    definition: &Definition,
    settings: &BuildSettings,
    then: Then,
) -> Result<Option<Begun>, RunError> {
    let mut transaction = session.begin().await?;
    let begun = begin_in(&mut transaction, beginning, definition, settings, then).await;
    if begun.is_ok() {
        transaction.commit().await?;
    } else {
        // The error that led here says more than one of the rollback could.
        let _ = transaction.rollback().await;
    }
    begun
}

async fn begin_in(
    connection: &mut PgConnection,
    beginning: &Beginning,
    definition: &Definition,
    settings: &BuildSettings,
    then: Then,
) -> Result<Option<Begun>, RunError> {
    let found = find_or_create_in(connection, beginning, definition, settings, then).await?;
    let Some(build) = found else { return Ok(None) };
    // Whoever goes on with it, should this be cut off, does the same.
    if let Then::Promote | Then::Wait = then {
        set_promotes(connection, &build.schema, then == Then::Promote).await?;
    }
    let beside = active(connection, definition.name).await?.map(|active| active.schema);
    Ok(Some(Begun { build, beside }))
}

/// The build alone, in the caller's transaction, in which nobody else begins or promotes one. [`RunError::IsKept`]
/// where it is to serve, and is kept to be compared.
pub(crate) async fn find_or_create_in(
    connection: &mut PgConnection,
    beginning: &Beginning,
    definition: &Definition,
    settings: &BuildSettings,
    then: Then,
) -> Result<Option<Build>, RunError> {
    lock_registry(connection, definition.name).await?;
    if then == Then::First && reading::to_follow(connection, definition).await?.is_some() {
        return Ok(None);
    }
    let found = unfinished(connection, definition, settings, beginning.log).await?;
    if let Some(kept) = found.as_ref().filter(|found| then == Then::Promote && found.state == State::Ready) {
        return Err(RunError::IsKept { name: definition.name, build: kept.schema.clone() });
    }
    if found.is_some() || then == Then::AsAsked {
        return Ok(found);
    }
    let started = started_after(connection, definition, beginning.log).await?.unwrap_or(beginning.after);
    create(connection, definition, settings, beginning.log, started).await.map(Some)
}

/// Where an earlier build of the view began, so that each has the same rows: of this version, or, where the view begins
/// with what comes from now on, of any. `None` for the first.
async fn started_after(
    connection: &mut PgConnection,
    definition: &Definition,
    log: LogIdentity,
) -> Result<Option<Position>, sqlx::Error> {
    let started: Option<i64> = sqlx::query_scalar(
        "SELECT started_after FROM public.projection_builds
          WHERE projection = $1 AND log_id = $2 AND (version = $3 OR $4) ORDER BY created_at, build LIMIT 1",
    )
    .bind(definition.name)
    .bind(log.log_id)
    .bind(definition.version.cast_signed())
    .bind(definition.start == Start::Now)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(started.map(Position::from_i64))
}

async fn unfinished(
    connection: &mut PgConnection,
    definition: &Definition,
    settings: &BuildSettings,
    log: LogIdentity,
) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projection_builds AS b
          WHERE projection = $1 AND version = $2 AND settings = $3 AND log_id = $4 AND epoch = $5
            AND state IN ('filling', 'catching_up', 'ready')
          ORDER BY build DESC LIMIT 1"
    );
    let row: Option<Row> = sqlx::query_as(&sql)
        .bind(definition.name)
        .bind(definition.version.cast_signed())
        .bind(Json(settings))
        .bind(log.log_id)
        .bind(log.epoch.cast_signed())
        .fetch_optional(&mut *connection)
        .await?;
    row.map(Build::try_from).transpose()
}

async fn create(
    connection: &mut PgConnection,
    definition: &Definition,
    settings: &BuildSettings,
    log: LogIdentity,
    started_after: Position,
) -> Result<Build, RunError> {
    let (name, version) = (definition.name, definition.version.cast_signed());
    let number: i32 = sqlx::query_scalar(
        "SELECT coalesce(max(build), 0) + 1 FROM public.projection_builds WHERE projection = $1 AND version = $2",
    )
    .bind(name)
    .bind(version)
    .fetch_one(&mut *connection)
    .await?;
    let schema = format!("{name}_v{version}_{number}");
    sqlx::query(
        "WITH build AS (
             INSERT INTO public.projection_builds
                    (schema_name, projection, version, build, settings, log_id, epoch, started_after, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'filling')
         )
         INSERT INTO public.projection_checkpoints (schema_name, revision, position, serves) VALUES ($1, 1, $8, false)",
    )
    .bind(&schema)
    .bind(name)
    .bind(version)
    .bind(number)
    .bind(Json(settings))
    .bind(log.log_id)
    .bind(log.epoch.cast_signed())
    .bind(started_after.as_i64())
    .execute(&mut *connection)
    .await?;
    // What a build that was given up left behind under this name is nobody's.
    let make = format!("SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    connection.execute(make.as_str()).await?;
    run_ddl(connection, &schema, definition.tables).await?;
    // The caller's transaction goes on as the program's login, with the names of the registry.
    connection.execute("SET LOCAL ROLE NONE; SET LOCAL search_path TO public").await?;
    tracing::info!(projection = name, schema, "a build begins");
    let settings = settings.clone();
    Ok(Build { schema, version: definition.version, settings, log, state: State::Filling, started_after })
}

/// Runs DDL with unqualified names in the build's schema, as the group that all logins belong to.
pub(crate) async fn run_ddl(connection: &mut PgConnection, schema: &str, ddl: &str) -> Result<(), sqlx::Error> {
    let place = format!("SET LOCAL ROLE {APP_ROLE}; SET LOCAL search_path TO {schema}");
    connection.execute(place.as_str()).await?;
    connection.execute(ddl).await?;
    Ok(())
}
