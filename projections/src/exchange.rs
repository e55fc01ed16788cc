//! Which build serves, as a person decides: promoted, rolled back, dropped.
//!
//! A build that nobody reads does not follow the log: it would cost every append a second time. It is brought up to
//! date right before it serves, by the code of its version, so by the program that makes that.

use crate::build::{self, Build, State};
use crate::dropping;
use crate::error::RunError;
use crate::projection::Definition;
use crate::promotion::{Asked, Promotion};
use crate::rebuild::{Builder, OnProgress, Rebuilt, rebuilt};
use crate::recorded::{self, unless_done};
use crate::views::Views;
use commands::db;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Brings the build of that schema up to date and lets it serve.
pub async fn promote(
    views: &Views,
    name: &str,
    schema: &str,
    asked: Asked<'_>,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, RunError> {
    const ACTION: &str = "projection.promote";
    let definition = views.entry(name)?.definition;
    let outcome = async {
        let found = build::of_schema(views.pool(), definition.name, schema).await?;
        let build = found.ok_or_else(|| RunError::NoBuild { name: definition.name, build: schema.to_owned() })?;
        let promotion = Promotion::new(views, definition).asked_for(asked, ACTION);
        exchange(views, definition, build, promotion, cancel, progress).await
    };
    let action = recorded::action(asked.by, ACTION, definition.name, json!({ "build": schema }));
    rebuilt(views, unless_done(views.pool(), action, outcome.await).await?).await
}

/// Lets the build serve again that did before the one that serves now. Done twice, it comes to where it began.
pub async fn rollback(
    views: &Views,
    name: &str,
    asked: Asked<'_>,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, RunError> {
    const ACTION: &str = "projection.rollback";
    let definition = views.entry(name)?.definition;
    let outcome = async {
        let before = build::last_retired(views.pool(), definition.name, None).await?;
        let before = before.ok_or(RunError::NothingBefore { name: definition.name })?;
        let promotion = Promotion::new(views, definition).asked_for(asked, ACTION);
        exchange(views, definition, before, promotion, cancel, progress).await
    };
    let action = recorded::action(asked.by, ACTION, definition.name, json!({}));
    rebuilt(views, unless_done(views.pool(), action, outcome.await).await?).await
}

async fn exchange(
    views: &Views,
    definition: &'static Definition,
    mut build: Build,
    promotion: Promotion<'_>,
    cancel: &CancellationToken,
    progress: OnProgress<'_>,
) -> Result<Build, RunError> {
    check_fit(views, definition, &build)?;
    // Catching up may take long: what is wrong already is told before.
    let active = db::read(views.pool(), async |session| build::active(session, definition.name).await).await?;
    promotion.check_expected(active.as_ref())?;
    if active.is_some_and(|active| active.schema == build.schema) {
        return Ok(build);
    }
    Builder::new(views, definition, cancel).exchange(&mut build, &promotion, progress).await?;
    Ok(build)
}

/// Refuses a build that this process can't bring up to date.
fn check_fit(views: &Views, definition: &'static Definition, build: &Build) -> Result<(), RunError> {
    let (name, own) = (definition.name, definition.version);
    if build.version != own {
        return Err(RunError::OtherProgram { build: build.schema.clone(), version: build.version, own });
    }
    if build.state == State::Filling {
        let rebuild = build::rebuild_command(name, &build.settings);
        return Err(RunError::NotFinished { build: build.schema.clone(), rebuild });
    }
    build::check_log(build, name, views.log().identity())?;
    build::check_settings(build, definition, views.settings())
}

/// Drops a build, tables and all. Never one that is read. `by` says who asks, for the record.
pub async fn drop_build(views: &Views, name: &str, schema: &str, by: &str) -> Result<(), RunError> {
    let name = views.entry(name)?.definition.name;
    let action = recorded::action(by, "projection.drop", name, json!({ "build": schema }));
    unless_done(views.pool(), action, drop_unread(views, name, schema, by).await).await
}

async fn drop_unread(views: &Views, name: &'static str, schema: &str, by: &str) -> Result<(), RunError> {
    let no_build = || RunError::NoBuild { name, build: schema.to_owned() };
    let build = build::of_schema(views.pool(), name, schema).await?.ok_or_else(no_build)?;
    if dropping::drop_build(views.pool(), name, &build.schema, Some(by)).await? {
        return Ok(());
    }
    let active = db::read(views.pool(), async |session| build::active(session, name).await).await?;
    let is_active = active.is_some_and(|active| active.schema == build.schema);
    Err(if is_active { RunError::IsActive { build: build.schema } } else { no_build() })
}
