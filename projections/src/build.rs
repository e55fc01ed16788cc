//! The builds of a view: made in a schema of their own, promoted by one row, dropped when no reader can use them.

use crate::checkpoint;
use crate::error::RunError;
use crate::projection::Definition;
use crate::reading;
use crate::rebuild::Then;
use crate::views::Settings;
use chrono_tz::Tz;
use commands::db::APP_ROLE;
use commands::{Log, LogIdentity, Start};
use domain::Position;
use sqlx::types::Json;
use sqlx::{Executor, PgConnection, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    /// It begins behind this.
    pub(crate) started_after: Position,
}

impl Build {
    /// The time zone that it was made with, whatever is configured here.
    pub(crate) fn time_zone(&self) -> Result<Tz, RunError> {
        let Some(name) = self.settings.get("time_zone") else { return Ok(Tz::UTC) };
        name.parse().map_err(|_| RunError::Registry(format!("time zone `{name}` of {}", self.schema)))
    }
}

/// What a build is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has its tables; the indexes of readers come later.
    Filling,
    /// It has everything and is not read yet.
    CatchingUp,
    /// The same, and it waits for a person to promote it.
    Ready,
    /// It is the one that is read.
    Active,
    /// It was read before.
    Retired,
}

impl State {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::CatchingUp => "catching_up",
            Self::Ready => "ready",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Filling, Self::CatchingUp, Self::Ready, Self::Active, Self::Retired];
        all.into_iter().find(|state| state.as_str() == text)
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

/// Refuses a build that was made with other settings than this process has.
pub(crate) fn check_settings(build: &Build, definition: &Definition, settings: &Settings) -> Result<(), RunError> {
    let (name, configured) = (definition.name, settings_of(definition, settings));
    if build.settings == configured {
        return Ok(());
    }
    let rebuild = rebuild_command(name, &configured);
    let (built, configured) = (settings_text(&build.settings), settings_text(&configured));
    Err(RunError::SettingsChanged { name, built, configured, rebuild })
}

/// Refuses a build that was made from another log than this one.
pub(crate) fn check_log(build: &Build, name: &'static str, log: LogIdentity) -> Result<(), RunError> {
    if build.log == log {
        return Ok(());
    }
    Err(RunError::OtherLog {
        name,
        view_log: build.log.log_id,
        view_epoch: build.log.epoch,
        log: log.log_id,
        epoch: log.epoch,
        rebuild: rebuild_command(name, &build.settings),
    })
}

#[derive(sqlx::FromRow)]
struct Row {
    schema_name: String,
    version: i32,
    settings: Json<BuildSettings>,
    log_id: Uuid,
    epoch: i64,
    state: String,
    started_after: i64,
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
            started_after: Position::from_i64(row.started_after),
        })
    }
}

const COLUMNS: &str = "b.schema_name, b.version, b.settings, b.log_id, b.epoch, b.state, b.started_after";

/// The build that is read; `None` before the first was promoted.
pub(crate) async fn active(connection: &mut PgConnection, name: &str) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projections AS p JOIN public.projection_builds AS b ON b.schema_name = p.active_schema
          WHERE p.name = $1"
    );
    let row: Option<Row> = sqlx::query_as(&sql).bind(name).fetch_optional(&mut *connection).await?;
    row.map(Build::try_from).transpose()
}

/// The build `b` that is said by the statement from its `FROM` on.
pub(crate) async fn find(connection: &mut PgConnection, from: &str) -> Result<Option<Build>, RunError> {
    let sql = format!("SELECT {COLUMNS} {from}");
    let row: Option<Row> = sqlx::query_as(&sql).fetch_optional(&mut *connection).await?;
    row.map(Build::try_from).transpose()
}

/// The build of that schema; `None` where this view has none of that name.
pub(crate) async fn of_schema(pool: &PgPool, name: &str, schema: &str) -> Result<Option<Build>, RunError> {
    let sql = format!("SELECT {COLUMNS} FROM public.projection_builds AS b WHERE projection = $1 AND schema_name = $2");
    let row: Option<Row> = sqlx::query_as(&sql).bind(name).bind(schema).fetch_optional(pool).await?;
    row.map(Build::try_from).transpose()
}

/// The build that was read before the one that is read now; of no version in particular where `version` says none.
pub(crate) async fn last_retired(pool: &PgPool, name: &str, version: Option<u32>) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projection_builds AS b
          WHERE projection = $1 AND state = 'retired' AND ($2::integer IS NULL OR version = $2)
          ORDER BY updated_at DESC LIMIT 1"
    );
    let version = version.map(u32::cast_signed);
    let row: Option<Row> = sqlx::query_as(&sql).bind(name).bind(version).fetch_optional(pool).await?;
    row.map(Build::try_from).transpose()
}

/// The build that was begun last besides that one.
pub(crate) async fn newest_besides(pool: &PgPool, name: &str, schema: &str) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projection_builds AS b
          WHERE projection = $1 AND schema_name <> $2 ORDER BY created_at DESC, version DESC, build DESC LIMIT 1"
    );
    let row: Option<Row> = sqlx::query_as(&sql).bind(name).bind(schema).fetch_optional(pool).await?;
    row.map(Build::try_from).transpose()
}

/// The build to go on with: one that was begun for the same version, settings and log, else a new one. `None` where `then` wants none:
/// a first build where there is one by now that programs of this version follow; what was asked for where that is done by now.
pub(crate) async fn find_or_create(
    log: &Log,
    definition: &Definition,
    settings: &BuildSettings,
    then: Then,
) -> Result<Option<Build>, RunError> {
    // Asked on a session of its own, so before one is taken here.
    let starts_after = definition.start.position(log).await?;
    let mut transaction = log.pool().begin().await?;
    lock_registry(&mut transaction, definition.name).await?;
    if then == Then::First && reading::to_follow(&mut transaction, definition).await?.is_some() {
        return Ok(None);
    }
    let identity = log.identity();
    let mut found = unfinished(&mut transaction, definition, settings, identity).await?;
    if found.is_none() && then != Then::AsAsked {
        let started = started_after(&mut transaction, definition, identity).await?.unwrap_or(starts_after);
        found = Some(create(&mut transaction, definition, settings, identity, started).await?);
    }
    transaction.commit().await?;
    Ok(found)
}

/// Where an earlier build of the view began, so that each has the same rows: of this version, or, where the view begins with what
/// comes from now on, of any. `None` for the first.
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

/// Has a build wait for a person to promote it. `false` when it was promoted meanwhile, and is left as it is.
pub(crate) async fn set_ready(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    let set = sqlx::query(
        "UPDATE public.projection_builds SET state = 'ready', error = NULL, asked_by = NULL, updated_at = now()
          WHERE schema_name = $1 AND state IN ('catching_up', 'ready')",
    );
    Ok(set.bind(schema).execute(connection).await?.rows_affected() == 1)
}

/// Keeps whether a build is to serve once it has everything: whoever goes on with it does what was asked for last.
pub(crate) async fn set_promotes(pool: &PgPool, schema: &str, promotes: bool) -> Result<(), sqlx::Error> {
    let set =
        sqlx::query("UPDATE public.projection_builds SET promotes = $2 WHERE schema_name = $1 AND promotes <> $2");
    set.bind(schema).bind(promotes).execute(pool).await?;
    Ok(())
}

/// See [`set_promotes`].
pub(crate) async fn promotes(pool: &PgPool, schema: &str) -> Result<bool, sqlx::Error> {
    let ask = sqlx::query_scalar("SELECT promotes FROM public.projection_builds WHERE schema_name = $1");
    // One that is gone is promoted in vain, which says so.
    Ok(ask.bind(schema).fetch_optional(pool).await?.unwrap_or(true))
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
            let position = Position::from_i64(position);
            return Ok(Some(checkpoint::Checkpoint { revision, position, serves: false }));
        }
    }
    Ok(None)
}
