//! A view made anew up to a position, by the projection's own code, with no entry in the registry of builds.

use super::VerifyError;
use super::scratch::{Copied, Scratch, tables_in};
use crate::build;
use crate::error::RunError;
use crate::feed::Feed;
use crate::projection::Definition;
use crate::step;
use chrono_tz::Tz;
use commands::Log;
use commands::db::APP_ROLE;
use commands::verify::Watch;
use domain::Position;
use sqlx::{Connection, Executor};

/// Where a rebuild is.
pub(super) struct Made {
    pub(super) schema: String,
    pub(super) tables: Vec<String>,
}

/// Makes the view anew, with the settings that the copied build has, up to where that is.
pub(super) async fn remake(
    log: &Log,
    scratch: &mut Scratch,
    definition: &'static Definition,
    copied: &Copied,
    watch: &mut Watch<'_>,
) -> Result<Made, VerifyError> {
    let made = make_tables(scratch, definition).await?;
    let time_zone = time_zone_of(copied)?;
    let mut feed = Feed::new(log, definition.wants, Position::ORIGIN);
    let begin = format!("BEGIN; SET LOCAL search_path TO {}", made.schema);
    let mut at = Position::ORIGIN;
    while at < copied.position {
        watch.tell(definition.name, at.0, copied.position.0)?;
        let batch = feed.next().await?.up_to(copied.position);
        if batch.is_empty() {
            match batch.fault {
                Some(fault) => return Err(RunError::Unreadable { name: definition.name, fault }.into()),
                // The log ends before the view's position.
                None => break,
            }
        }
        let mut transaction = scratch.session.begin_with(begin.clone()).await?;
        step::apply(definition, time_zone, &mut transaction, &batch).await?;
        transaction.commit().await?;
        at = batch.through();
    }
    watch.tell(definition.name, at.0, copied.position.0)?;
    Ok(made)
}

/// The tables as the projection declares them, without the indexes that only readers need.
async fn make_tables(scratch: &mut Scratch, definition: &Definition) -> Result<Made, VerifyError> {
    let schema = scratch.schema(&format!("{}_made", definition.name));
    let mut transaction = scratch.session.begin().await?;
    let make = format!("SET LOCAL ROLE {APP_ROLE}; CREATE SCHEMA {schema}");
    transaction.execute(make.as_str()).await?;
    build::run_ddl(&mut transaction, &schema, definition.tables).await?;
    let tables = tables_in(&mut transaction, &schema).await?;
    for table in &tables {
        let mut attempt = transaction.begin().await?;
        let spare_the_wal = format!(r#"ALTER TABLE {schema}."{table}" SET UNLOGGED"#);
        // A table that others refer to can't be; then it is written like any other.
        match attempt.execute(spare_the_wal.as_str()).await {
            Ok(_) => attempt.commit().await?,
            Err(_) => attempt.rollback().await?,
        }
    }
    transaction.commit().await?;
    Ok(Made { schema, tables })
}

/// The time zone that the build was made with, whatever is configured here.
fn time_zone_of(copied: &Copied) -> Result<Tz, RunError> {
    let Some(name) = copied.build.settings.get("time_zone") else { return Ok(Tz::UTC) };
    name.parse().map_err(|_| RunError::Registry(format!("time zone `{name}` of {}", copied.build.schema)))
}
