//! The builds of a view: made in a schema of their own, promoted by one row, dropped when no reader can use them.

use crate::checkpoint;
use crate::error::RunError;
use crate::projection::Definition;
use crate::views::Settings;
use commands::LogIdentity;
use commands::db::APP_ROLE;
use sqlx::types::Json;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long dropping a schema may wait for a reader that still holds it, in Postgres' spelling.
const DROP_WAITS_AT_MOST: &str = "2s";

/// What changes a view's meaning, by name.
pub(crate) type BuildSettings = BTreeMap<String, String>;

/// One build of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    /// Where its tables are. Holds nothing but `a-z0-9_`, so it can stand in SQL as it is.
    pub(crate) schema: String,
    pub(crate) version: u32,
    pub(crate) settings: BuildSettings,
    pub(crate) log: LogIdentity,
    pub(crate) state: State,
}

/// What a build is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It has its tables; the indexes of readers come later.
    Filling,
    /// It has everything and is not read yet.
    CatchingUp,
    /// It is the one that is read.
    Active,
    /// It was read before.
    Retired,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::CatchingUp => "catching_up",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Filling, Self::CatchingUp, Self::Active, Self::Retired].into_iter().find(|state| state.as_str() == text)
    }
}

/// The settings that a build of this view is made with.
pub(crate) fn settings_of(definition: &Definition, settings: &Settings) -> BuildSettings {
    let mut kept = BuildSettings::new();
    if definition.uses_time_zone {
        kept.insert("time_zone".to_owned(), settings.time_zone.name().to_owned());
    }
    kept
}

/// The command line that makes a view anew with these settings. All of them stand in it: whoever runs it may have others
/// configured than the process that advises it.
pub(crate) fn rebuild_command(name: &str, settings: &BuildSettings) -> String {
    let options = settings.iter().map(|(name, value)| format!(" --{} {value}", name.replace('_', "-")));
    format!("orders projections rebuild {name}{}", options.collect::<String>())
}

/// Settings as people read them.
pub(crate) fn settings_text(settings: &BuildSettings) -> String {
    let texts: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if texts.is_empty() { "no setting".to_owned() } else { texts.join(", ") }
}

#[derive(sqlx::FromRow)]
struct Row {
    schema_name: String,
    version: i32,
    settings: Json<BuildSettings>,
    log_id: Uuid,
    epoch: i64,
    state: String,
}

impl TryFrom<Row> for Build {
    type Error = RunError;
    fn try_from(row: Row) -> Result<Self, RunError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !row.schema_name.bytes().all(plain) {
            return Err(RunError::Registry(format!("schema `{}`", row.schema_name)));
        }
        Ok(Self {
            version: row.version.unsigned_abs(),
            settings: row.settings.0,
            log: LogIdentity { log_id: row.log_id, epoch: row.epoch.unsigned_abs() },
            state: State::parse(&row.state)
                .ok_or_else(|| RunError::Registry(format!("state `{}` of {}", row.state, row.schema_name)))?,
            schema: row.schema_name,
        })
    }
}

const COLUMNS: &str = "b.schema_name, b.version, b.settings, b.log_id, b.epoch, b.state";

/// The build that is read; `None` before the first was promoted.
pub(crate) async fn active(connection: &mut PgConnection, name: &str) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projections AS p JOIN public.projection_builds AS b ON b.schema_name = p.active_schema
          WHERE p.name = $1"
    );
    let row: Option<Row> = sqlx::query_as(&sql).bind(name).fetch_optional(&mut *connection).await?;
    row.map(Build::try_from).transpose()
}

/// The build to go on with: one that was begun for the same version, settings and log, else a new one.
pub(crate) async fn find_or_create(
    pool: &PgPool,
    definition: &Definition,
    settings: &BuildSettings,
    log: LogIdentity,
) -> Result<Build, RunError> {
    let mut transaction = pool.begin().await?;
    lock_registry(&mut transaction, definition.name).await?;
    let found = match unfinished(&mut transaction, definition, settings, log).await? {
        Some(build) => build,
        None => create(&mut transaction, definition, settings, log).await?,
    };
    transaction.commit().await?;
    Ok(found)
}

/// One process at a time makes or promotes builds of a view.
pub(crate) async fn lock_registry(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('orders projection ' || $1, 0))")
        .bind(name)
        .execute(&mut *connection)
        .await?;
    Ok(())
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
            AND state IN ('filling', 'catching_up')
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
                    (schema_name, projection, version, build, settings, log_id, epoch, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'filling')
         )
         INSERT INTO public.projection_checkpoints (schema_name, revision, position, serves) VALUES ($1, 1, 0, false)",
    )
    .bind(&schema)
    .bind(name)
    .bind(version)
    .bind(number)
    .bind(Json(settings))
    .bind(log.log_id)
    .bind(log.epoch.cast_signed())
    .execute(&mut *connection)
    .await?;
    // What a build that was given up left behind under this name is nobody's.
    let make = format!("SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    connection.execute(make.as_str()).await?;
    run_ddl(connection, &schema, definition.tables).await?;
    tracing::info!(projection = name, schema, "a build begins");
    let settings = settings.clone();
    Ok(Build { schema, version: definition.version, settings, log, state: State::Filling })
}

/// Runs DDL with unqualified names in the build's schema, as the group that all logins belong to.
pub(crate) async fn run_ddl(connection: &mut PgConnection, schema: &str, ddl: &str) -> Result<(), sqlx::Error> {
    let place = format!("SET LOCAL ROLE {APP_ROLE}; SET LOCAL search_path TO {schema}");
    connection.execute(place.as_str()).await?;
    connection.execute(ddl).await?;
    Ok(())
}

/// Makes the indexes of readers and takes the tables' statistics, so that the first reader meets good plans.
pub(crate) async fn make_indexes(pool: &PgPool, definition: &Definition, build: &mut Build) -> Result<(), RunError> {
    let mut transaction = pool.begin().await?;
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
        .bind(&build.schema)
        .fetch_all(&mut *transaction)
        .await?;
    set_state(&mut transaction, &build.schema, State::CatchingUp).await?;
    run_ddl(&mut transaction, &build.schema, definition.indexes).await?;
    for table in tables {
        transaction.execute(format!("ANALYZE \"{table}\"").as_str()).await?;
    }
    transaction.commit().await?;
    build.state = State::CatchingUp;
    Ok(())
}

/// Its time is later than that of every other build of the view, also after the server's clock was set back: builds are
/// dropped in the order in which they were retired.
pub(crate) async fn set_state(connection: &mut PgConnection, schema: &str, state: State) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.projection_builds AS b
            SET state = $2, error = NULL,
                updated_at = greatest(now(), (SELECT max(updated_at) + interval '1 microsecond'
                                                FROM public.projection_builds WHERE projection = b.projection))
          WHERE schema_name = $1",
    )
    .bind(schema)
    .bind(state.as_str())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Keeps why a build stopped, or that it goes on, where every process can see it.
pub(crate) async fn set_error(pool: &PgPool, schema: &str, error: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.projection_builds
            SET error = $2, updated_at = CASE state WHEN 'retired' THEN updated_at ELSE now() END
          WHERE schema_name = $1 AND error IS DISTINCT FROM $2",
    )
    .bind(schema)
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

/// Drops the builds of this version and older ones that nobody reads: all but the active one and the one before it,
/// which a reader may hold at this moment and an operator may want back.
pub(crate) async fn drop_unused(pool: &PgPool, definition: &Definition) -> Result<(), RunError> {
    let unused: Vec<String> = sqlx::query_scalar(
        "SELECT schema_name FROM public.projection_builds
          WHERE projection = $1 AND version <= $2 AND state <> 'active'
            AND schema_name IS DISTINCT FROM (SELECT schema_name FROM public.projection_builds
                                               WHERE projection = $1 AND state = 'retired'
                                               ORDER BY updated_at DESC LIMIT 1)",
    )
    .bind(definition.name)
    .bind(definition.version.cast_signed())
    .fetch_all(pool)
    .await?;
    for schema in unused {
        drop_build(pool, &schema).await?;
    }
    Ok(())
}

async fn drop_build(pool: &PgPool, schema: &str) -> Result<(), RunError> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("DELETE FROM public.projection_builds WHERE schema_name = $1")
        .bind(schema)
        .execute(&mut *transaction)
        .await?;
    let drop = format!(
        "SET LOCAL lock_timeout = '{DROP_WAITS_AT_MOST}'; SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS {schema} CASCADE"
    );
    transaction.execute(drop.as_str()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Ends the service of a build within the caller's transaction: whoever writes to it next loses. Returns where it ended.
///
/// `None` when it was moved on in every one of a few tries; the caller begins again.
pub(crate) async fn seal(
    connection: &mut PgConnection,
    build: &Build,
) -> Result<Option<checkpoint::Checkpoint>, sqlx::Error> {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        // A writer in the middle of its step is waited for here; then its revision is taken, and the next try sees it.
        let sealed: Option<(i64, i64)> = sqlx::query_as(
            "INSERT INTO public.projection_checkpoints (schema_name, revision, position, serves)
             SELECT schema_name, revision + 1, position, false FROM public.projection_checkpoints
              WHERE schema_name = $1 ORDER BY revision DESC LIMIT 1
             ON CONFLICT DO NOTHING RETURNING revision, position",
        )
        .bind(&build.schema)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some((revision, position)) = sealed {
            let position = domain::Position::from_i64(position);
            return Ok(Some(checkpoint::Checkpoint { revision, position, serves: false }));
        }
    }
    Ok(None)
}
