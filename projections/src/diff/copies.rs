//! Two builds, copied as of one position.

use super::not_comparable;
use crate::aside::tables_in;
use crate::build::Build;
use crate::checkpoint;
use crate::error::RunError;
use crate::projection::Definition;
use crate::verify::remake::{self, Stretch};
use crate::verify::{Scratch, VerifyError};
use commands::Log;
use commands::db::APP_ROLE;
use commands::verify::Watch;
use domain::Position;
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;
use tokio::time::Instant;

/// How long a build that only another program brings forward is waited for.
const WAIT_AT_MOST: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A build as one snapshot had it, brought forward if it was behind.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) build: Build,
    pub(super) position: Position,
    /// Where its rows are.
    pub(super) schema: String,
    pub(super) tables: Vec<String>,
}

/// Copies both, and brings them to one position.
pub(super) async fn at_one_position(
    log: &Log,
    scratch: &mut Scratch,
    definition: &'static Definition,
    builds: [Build; 2],
    watch: &mut Watch<'_>,
) -> Result<[Copy; 2], RunError> {
    let give_up_at = Instant::now() + WAIT_AT_MOST;
    loop {
        until_comparable(scratch, definition, &builds, give_up_at, watch).await?;
        let mut copies = copy_both(scratch, definition, &builds).await?;
        let [a, b] = &mut copies;
        let (behind, to) = if a.position < b.position { (a, b.position) } else { (b, a.position) };
        if behind.position == to {
            return Ok(copies);
        }
        if behind.build.version == definition.version {
            let stretch = Stretch { schema: &behind.schema, from: behind.position, to };
            remake::bring_up(log, &mut scratch.session, definition, &behind.build, stretch, watch).await?;
            behind.position = to;
            return Ok(copies);
        }
        // The one ran ahead of the other between the look and the copy.
        if Instant::now() >= give_up_at {
            let reason = "both are moved on, one of them by programs of another version".to_owned();
            return Err(not_comparable(&builds[0], &builds[1], reason));
        }
        scratch.clear().await?;
    }
}

/// Waits until the two are at one position, or the one behind is one that this program can bring forward: nothing is
/// copied before.
async fn until_comparable(
    scratch: &mut Scratch,
    definition: &Definition,
    builds: &[Build; 2],
    give_up_at: Instant,
    watch: &mut Watch<'_>,
) -> Result<(), RunError> {
    let [a, b] = builds;
    loop {
        let session = &mut scratch.session;
        let (at_a, at_b) = (position(session, definition, a).await?, position(session, definition, b).await?);
        let (behind, from, to) = if at_a < at_b { (a, at_a, at_b) } else { (b, at_b, at_a) };
        if from == to || behind.version == definition.version {
            return Ok(());
        }
        if Instant::now() >= give_up_at {
            let Build { schema, version, .. } = behind;
            let reason = format!(
                "{schema} is at position {from}, the other at {to}, and this program does not make version {version}"
            );
            return Err(not_comparable(a, b, reason));
        }
        watch.tell(definition.name, from.0, to.0).map_err(VerifyError::from)?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How far a build is.
async fn position(session: &mut PgConnection, definition: &Definition, build: &Build) -> Result<Position, RunError> {
    let no_build = || RunError::NoBuild { name: definition.name, build: build.schema.clone() };
    Ok(checkpoint::load(session, build).await?.ok_or_else(no_build)?.position)
}

/// Copies both as one snapshot has them, gone with the commit.
async fn copy_both(
    scratch: &mut Scratch,
    definition: &'static Definition,
    builds: &[Build; 2],
) -> Result<[Copy; 2], RunError> {
    // Tables that are to be brought forward need the keys that the projection's statements rely on.
    let [a, b] = builds;
    let (schema_a, schema_b) = (make(scratch, definition, a, "a").await?, make(scratch, definition, b, "b").await?);
    let mut transaction = scratch.session.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    transaction.execute(format!("SET LOCAL ROLE {APP_ROLE}").as_str()).await?;
    let a = copy(&mut transaction, definition, a, schema_a).await?;
    let b = copy(&mut transaction, definition, b, schema_b).await?;
    transaction.commit().await?;
    Ok([a, b])
}

/// A schema for the copy of a build: with the projection's tables, where this program makes that version.
async fn make(
    scratch: &mut Scratch,
    definition: &'static Definition,
    build: &Build,
    side: &str,
) -> Result<String, RunError> {
    let name = format!("{}_{side}", definition.name);
    if build.version == definition.version {
        return Ok(remake::make_tables(scratch, definition, &name).await?.schema);
    }
    let schema = scratch.schema(&name);
    let mut transaction = scratch.session.begin().await?;
    let make = format!("SET LOCAL ROLE {APP_ROLE}; CREATE SCHEMA {schema}");
    transaction.execute(make.as_str()).await?;
    transaction.commit().await?;
    Ok(schema)
}

async fn copy(
    transaction: &mut PgConnection,
    definition: &'static Definition,
    build: &Build,
    schema: String,
) -> Result<Copy, RunError> {
    let position = position(transaction, definition, build).await?;
    let tables = tables_in(transaction, &build.schema).await?;
    for table in &tables {
        let (to, from) = (format!(r#"{schema}."{table}""#), format!(r#"{}."{table}""#, build.schema));
        let copy = if build.version == definition.version {
            // The DDL may have put rows of its own there.
            format!("DELETE FROM {to}; INSERT INTO {to} TABLE {from}")
        } else {
            format!("CREATE UNLOGGED TABLE {to} AS TABLE {from}")
        };
        transaction.execute(copy.as_str()).await?;
    }
    Ok(Copy { build: build.clone(), position, schema, tables })
}
