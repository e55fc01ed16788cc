//! The place beside the views where copies and rebuilds are made.
//!
//! All of it belongs to one session, which holds a lock on its name: when the session is gone, so is the lock, and
//! whoever verifies next drops what is left. Two at once have other names and do not meet. The tables are unlogged, and
//! written and read on that session alone: should PostgreSQL crash, which empties them, the check fails with its
//! session.

use super::{VerifyError, checkpoint};
use crate::aside::copy_tables;
use crate::build::Build;
use crate::error::{RunError, is_gone};
use crate::projection::Definition;
use crate::reading;
use commands::db::APP_ROLE;
use domain::Position;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// Begins with what no projection's name begins with.
const PREFIX: &str = "_verify_";
/// What one hash table or sort of a comparison may take before it goes to disk.
const WORK_MEMORY: &str = "32MB";
/// How long a statement waits for whoever holds a view's table for himself, in Postgres' spelling.
const LOCKED_AT_MOST: &str = "60s";
/// How often a copy begins again when the build that served is dropped under it.
pub(crate) const COPY_ATTEMPTS: usize = 4;

/// A session with PostgreSQL, and the schemas that it makes for itself. To be closed when all is done.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) session: PgConnection,
    /// Eight hexadecimal digits.
    run: String,
}

/// A view as one snapshot had it.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) build: Build,
    pub(super) position: Position,
    /// Why it does not go on, if it has stopped.
    pub(super) stopped: Option<String>,
    /// Where its rows are.
    pub(super) schema: String,
    pub(super) tables: Vec<String>,
}

impl Scratch {
    /// Opens a session beside `pool`, and drops what verifications left that were killed.
    pub async fn open(pool: &PgPool) -> Result<Self, VerifyError> {
        // What runs here takes its time, and that is no news.
        let options = pool.connect_options().as_ref().clone().disable_statement_logging();
        let options = options.options([("work_mem", WORK_MEMORY), ("lock_timeout", LOCKED_AT_MOST)]);
        let mut session = PgConnection::connect_with(&options).await?;
        let run = loop {
            let run = random_run();
            if lock(&mut session, &run).await? {
                break run;
            }
        };
        let mut scratch = Self { session, run };
        scratch.sweep().await?;
        Ok(scratch)
    }

    /// Has no statement from now on go on for longer.
    pub(crate) async fn bound(&mut self, at_most: Option<Duration>) -> Result<(), sqlx::Error> {
        let milliseconds = at_most.map_or(0, |at_most| at_most.as_millis().max(1));
        self.session.execute(format!("SET statement_timeout = {milliseconds}").as_str()).await?;
        Ok(())
    }

    /// Drops all that was made here, and ends the session.
    pub async fn close(mut self) -> Result<(), VerifyError> {
        self.clear().await?;
        Ok(self.session.close().await?)
    }

    /// Drops all that was made here.
    pub(crate) async fn clear(&mut self) -> Result<(), sqlx::Error> {
        let run = self.run.clone();
        drop_run(&mut self.session, &run).await
    }

    /// The name of a schema of one's own.
    pub(crate) fn schema(&self, name: &str) -> String {
        format!("{PREFIX}{}_{name}", self.run)
    }

    /// Drops what nobody holds any more.
    async fn sweep(&mut self) -> Result<(), sqlx::Error> {
        let runs: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT substr(nspname, 9, 8) FROM pg_namespace WHERE nspname ~ '^_verify_[0-9a-f]{8}_'",
        )
        .fetch_all(&mut self.session)
        .await?;
        for run in runs {
            if run != self.run && lock(&mut self.session, &run).await? {
                tracing::info!(run, "dropping what a verification left that was cut off");
                drop_run(&mut self.session, &run).await?;
                sqlx::query("SELECT pg_advisory_unlock(hashtextextended('orders verify ' || $1, 0))")
                    .bind(run)
                    .execute(&mut self.session)
                    .await?;
            }
        }
        Ok(())
    }

    /// Copies rows and checkpoint of the build that this program reads, as of one moment; `None` when there is none. A
    /// build of another version is not copied.
    pub(super) async fn copy(&mut self, definition: &Definition) -> Result<Option<Copied>, VerifyError> {
        let mut attempts_left = COPY_ATTEMPTS;
        loop {
            attempts_left -= 1;
            match self.copy_once(definition).await {
                Err(VerifyError::Database(error)) if attempts_left > 0 && is_gone(&error) => {}
                copied => return copied,
            }
        }
    }

    async fn copy_once(&mut self, definition: &Definition) -> Result<Option<Copied>, VerifyError> {
        let schema = self.schema(&format!("{}_seen", definition.name));
        // One snapshot for all statements, gone with the commit.
        let mut transaction = self.session.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        let Some(build) = reading::to_read(&mut transaction, definition).await? else { return Ok(None) };
        let checkpoint = checkpoint::load(&mut transaction, &build).await?;
        let gone = || RunError::Registry(format!("nothing of how far {} is", build.schema));
        let position = checkpoint.ok_or_else(gone)?.position;
        let stopped = sqlx::query_scalar("SELECT error FROM public.projection_builds WHERE schema_name = $1")
            .bind(&build.schema)
            .fetch_one(&mut *transaction)
            .await?;
        let mut tables = Vec::new();
        if build.version == definition.version {
            let make = format!("SET LOCAL ROLE {APP_ROLE}; CREATE SCHEMA {schema}");
            transaction.execute(make.as_str()).await?;
            tables = copy_tables(&mut transaction, &build.schema, &schema, false).await?;
        }
        transaction.commit().await?;
        Ok(Some(Copied { build, position, stopped, schema, tables }))
    }
}

fn random_run() -> String {
    let digits = Uuid::now_v7().simple().to_string();
    // The last digits are random.
    digits[digits.len() - 8..].to_owned()
}

/// Takes the lock on a name, for as long as the session lives; `false` when another session has it.
async fn lock(session: &mut PgConnection, run: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('orders verify ' || $1, 0))")
        .bind(run)
        .fetch_one(session)
        .await
}

async fn drop_run(session: &mut PgConnection, run: &str) -> Result<(), sqlx::Error> {
    let schemas: Vec<String> =
        sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname::text, $1)")
            .bind(format!("{PREFIX}{run}_"))
            .fetch_all(&mut *session)
            .await?;
    for schema in schemas {
        let mut transaction = session.begin().await?;
        let drop = format!(r#"SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS "{schema}" CASCADE"#);
        transaction.execute(drop.as_str()).await?;
        transaction.commit().await?;
    }
    Ok(())
}
