//! How far a build has come, and the compare and set that moves it on.

use crate::build::Build;
use commands::db::violated_constraint;
use domain::Position;
use sqlx::PgConnection;

/// How many revisions are kept behind the last, and how often older ones are swept.
const KEEP_REVISIONS: i64 = 64;
const SWEEP_EVERY_REVISIONS: i64 = 256;

/// The last revision of a build's checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) revision: i64,
    pub(crate) position: Position,
    /// Whether the build is the one that is read.
    pub(crate) serves: bool,
}

impl Checkpoint {
    /// The one behind this, `position` further on.
    pub(crate) fn next(self, position: Position) -> Self {
        Self { revision: self.revision + 1, position, ..self }
    }
}

/// The build's checkpoint; `None` when the build is gone.
pub(crate) async fn load(connection: &mut PgConnection, build: &Build) -> Result<Option<Checkpoint>, sqlx::Error> {
    let row: Option<(i64, i64, bool)> = sqlx::query_as(
        "SELECT revision, position, serves FROM public.projection_checkpoints
          WHERE schema_name = $1 ORDER BY revision DESC LIMIT 1",
    )
    .bind(&build.schema)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.map(|(revision, position, serves)| Checkpoint { revision, position: Position::from_i64(position), serves }))
}

/// Moves the checkpoint from `from` to `next` in the caller's transaction; `false` when `from` is not the last any
/// more. Then nothing of the transaction may be committed.
///
/// The first statement of a step: a second writer waits here for the first one's commit, before it has touched a row,
/// and then violates the key. That `from` must be there, as it was, finds out what the key does not: a server that
/// crashed or failed over and is back with an earlier state of the view.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    build: &Build,
    from: Checkpoint,
    next: Checkpoint,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO public.projection_checkpoints (schema_name, revision, position, serves)
         SELECT schema_name, $4, $5, $6 FROM public.projection_checkpoints
          WHERE schema_name = $1 AND revision = $2 AND position = $3",
    )
    .bind(&build.schema)
    .bind(from.revision)
    .bind(from.position.as_i64())
    .bind(next.revision)
    .bind(next.position.as_i64())
    .bind(next.serves)
    .execute(&mut *connection)
    .await;
    match inserted {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(error) if violated_constraint(&error) == Some("projection_checkpoints_revision") => Ok(false),
        Err(error) if is_build_gone(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_build_gone(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refused| refused.is_foreign_key_violation())
}

/// Now and then removes the revisions that nothing looks at any more.
pub(crate) async fn sweep(connection: &mut PgConnection, build: &Build, last: Checkpoint) -> Result<(), sqlx::Error> {
    if last.revision % SWEEP_EVERY_REVISIONS != 0 {
        return Ok(());
    }
    sqlx::query("DELETE FROM public.projection_checkpoints WHERE schema_name = $1 AND revision <= $2")
        .bind(&build.schema)
        .bind(last.revision - KEEP_REVISIONS)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
