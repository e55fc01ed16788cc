//! A view made anew up to a position, by the projection's own code, with no entry in the registry of builds.

use super::VerifyError;
use super::scratch::{Copied, Scratch};
use crate::aside;
use crate::build::Build;
use crate::error::RunError;
use crate::feed::Feed;
use crate::projection::Definition;
use crate::step;
use commands::Log;
use commands::verify::Watch;
use domain::Position;
use sqlx::{Connection, PgConnection};

/// Where a rebuild is.
pub(crate) struct Made {
    pub(crate) schema: String,
    pub(crate) tables: Vec<String>,
}

/// Makes the view anew, with the settings that the copied build has, from where that began up to where that is.
pub(super) async fn remake(
    log: &Log,
    scratch: &mut Scratch,
    definition: &'static Definition,
    copied: &Copied,
    watch: &mut Watch<'_>,
) -> Result<Made, VerifyError> {
    let made = make_tables(scratch, definition, &format!("{}_made", definition.name)).await?;
    let stretch = Stretch { schema: &made.schema, from: copied.build.started_after, to: copied.position };
    bring_up(log, &mut scratch.session, definition, &copied.build, stretch, watch).await?;
    Ok(made)
}

/// A part of the log that is to be applied to the tables of a schema.
pub(crate) struct Stretch<'a> {
    /// Where the tables are.
    pub(crate) schema: &'a str,
    /// Behind which position it begins.
    pub(crate) from: Position,
    /// The last position.
    pub(crate) to: Position,
}

/// Applies a part of the log to tables beside the views, with the settings that `build` has; ends early where the log
/// does.
pub(crate) async fn bring_up(
    log: &Log,
    session: &mut PgConnection,
    definition: &'static Definition,
    build: &Build,
    stretch: Stretch<'_>,
    watch: &mut Watch<'_>,
) -> Result<(), VerifyError> {
    let time_zone = build.time_zone()?;
    let Stretch { schema, from: mut at, to } = stretch;
    let mut feed = Feed::new(log, definition.wants, at);
    let begin = format!("BEGIN; SET LOCAL search_path TO {schema}");
    while at < to {
        watch.tell(definition.name, at.0, to.0)?;
        let batch = feed.next().await?.up_to(to);
        if batch.is_empty() {
            match batch.fault {
                Some(fault) => return Err(RunError::Unreadable { name: definition.name, fault }.into()),
                None => break,
            }
        }
        let mut transaction = session.begin_with(begin.clone()).await?;
        step::apply(definition, time_zone, &mut transaction, &batch).await?;
        transaction.commit().await?;
        at = batch.through();
    }
    watch.tell(definition.name, at.0, to.0)?;
    Ok(())
}

/// The tables as the projection declares them, without the indexes that only readers need.
pub(crate) async fn make_tables(
    scratch: &mut Scratch,
    definition: &Definition,
    name: &str,
) -> Result<Made, VerifyError> {
    let schema = scratch.schema(name);
    let tables = aside::make_tables(&mut scratch.session, &schema, &[definition], false).await?;
    Ok(Made { schema, tables })
}
