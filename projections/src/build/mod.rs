//! The builds of a view: made in a schema of their own, promoted by one row, dropped when no reader can use them.

mod begin;
mod settings;

pub(crate) use begin::{Beginning, Begun, find_or_create, find_or_create_in, run_ddl};
pub(crate) use settings::{BuildSettings, check_settings, rebuild_command, settings_of, settings_text};

use crate::checkpoint;
use crate::error::{RunError, is_lock_timeout};
use chrono_tz::Tz;
use commands::{LogIdentity, db};
use domain::Position;
use sqlx::types::Json;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// How long a change of one row of the registry may take.
const ANSWER_AT_MOST: Duration = Duration::from_secs(5);
/// How long beginning a build, asking for one or leaving one may take, with the wait for whoever is at the registry.
pub(crate) const CHANGE_AT_MOST: Duration = Duration::from_secs(30);
/// How long the registry's lock is waited for, in Postgres' spelling. Whoever promotes holds it for as long as that
/// takes; a session of a person may hold it for ever.
const LOCK_WAITS_AT_MOST: &str = "10s";

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
    let row: Option<Row> = db::read(pool, async |session| {
        sqlx::query_as::<_, Row>(&sql).bind(name).bind(schema).fetch_optional(session).await
    })
    .await?;
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
    let row: Option<Row> = db::read(pool, async |session| {
        sqlx::query_as::<_, Row>(&sql).bind(name).bind(version).fetch_optional(session).await
    })
    .await?;
    row.map(Build::try_from).transpose()
}

/// The build that was begun last besides that one.
pub(crate) async fn newest_besides(pool: &PgPool, name: &str, schema: &str) -> Result<Option<Build>, RunError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM public.projection_builds AS b
          WHERE projection = $1 AND schema_name <> $2 ORDER BY created_at DESC, version DESC, build DESC LIMIT 1"
    );
    let row: Option<Row> = db::read(pool, async |session| {
        sqlx::query_as::<_, Row>(&sql).bind(name).bind(schema).fetch_optional(session).await
    })
    .await?;
    row.map(Build::try_from).transpose()
}

/// One process at a time makes or promotes builds of a view. [`RunError::RegistryBusy`] where another does for long.
pub(crate) async fn lock_registry(connection: &mut PgConnection, name: &str) -> Result<(), RunError> {
    let waits = format!("SET LOCAL lock_timeout = '{LOCK_WAITS_AT_MOST}'");
    connection.execute(waits.as_str()).await?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('orders projection ' || $1, 0))").bind(name);
    if let Err(error) = lock.execute(&mut *connection).await {
        let is_busy = is_lock_timeout(&error);
        return Err(if is_busy { RunError::RegistryBusy { name: name.to_owned() } } else { error.into() });
    }
    // What is waited for behind it has bounds of its own.
    connection.execute("SET LOCAL lock_timeout TO DEFAULT").await?;
    Ok(())
}

/// What a build is by now, once nobody is at the registry: so whoever lost the reply to a commit learns what became of
/// that. `None` where it is gone.
pub(crate) async fn settled(pool: &PgPool, name: &str, schema: &str) -> Result<Option<State>, RunError> {
    db::read(pool, async |session| settled_on(session, name, schema).await).await
}

async fn settled_on(connection: &mut PgConnection, name: &str, schema: &str) -> Result<Option<State>, RunError> {
    let mut transaction = connection.begin().await?;
    lock_registry(&mut transaction, name).await?;
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM public.projection_builds WHERE schema_name = $1")
        .bind(schema)
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    let unknown = |text: String| RunError::Registry(format!("state `{text}` of {schema}"));
    state.map(|text| State::parse(&text).ok_or_else(|| unknown(text))).transpose()
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

/// Has a build wait for a person to promote it. `false` when it was promoted or dropped meanwhile, or is to serve as
/// somebody asked for; then it is left as it is. `anyhow` has it wait also where it was to serve.
pub(crate) async fn set_ready(connection: &mut PgConnection, schema: &str, anyhow: bool) -> Result<bool, sqlx::Error> {
    let set = sqlx::query(
        "UPDATE public.projection_builds
            SET state = 'ready', promotes = false, error = NULL, asked_by = NULL, updated_at = now()
          WHERE schema_name = $1 AND state IN ('catching_up', 'ready') AND ($2 OR NOT promotes)",
    );
    Ok(set.bind(schema).bind(anyhow).execute(connection).await?.rows_affected() == 1)
}

/// Keeps whether a build is to serve once it has everything: whoever goes on with it does what was asked for last.
pub(crate) async fn set_promotes(
    connection: &mut PgConnection,
    schema: &str,
    promotes: bool,
) -> Result<(), sqlx::Error> {
    let set =
        sqlx::query("UPDATE public.projection_builds SET promotes = $2 WHERE schema_name = $1 AND promotes <> $2");
    set.bind(schema).bind(promotes).execute(connection).await?;
    Ok(())
}

/// See [`set_promotes`].
pub(crate) async fn promotes(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    let ask = sqlx::query_scalar("SELECT promotes FROM public.projection_builds WHERE schema_name = $1");
    // One that is gone is promoted in vain, which says so.
    Ok(ask.bind(schema).fetch_optional(connection).await?.unwrap_or(true))
}

/// Keeps why a build stopped, or that it goes on, where every process can see it.
pub(crate) async fn set_error(pool: &PgPool, schema: &str, error: Option<&str>) -> Result<(), sqlx::Error> {
    let set = sqlx::query(
        "UPDATE public.projection_builds
            SET error = $2, updated_at = CASE state WHEN 'retired' THEN updated_at ELSE now() END
          WHERE schema_name = $1 AND error IS DISTINCT FROM $2",
    );
    let set = set.bind(schema).bind(error);
    db::work(pool, ANSWER_AT_MOST, async |session| set.execute(session).await).await.map(drop)
}

/// Ends the service of a build within the caller's transaction: whoever writes to it next loses. Returns where it
/// ended.
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
