//! Builds that a person asked for, made by the instance that leads the view, beside the one that it follows.

use crate::build::{self, Beginning, BuildSettings, CHANGE_AT_MOST};
use crate::error::RunError;
use crate::projection::Definition;
use crate::rebuild::{Builder, Then};
use crate::recorded::{self, unless_done};
use crate::views::Views;
use commands::{audit, db};
use serde_json::json;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How asking for a build is called in the log of what operators did.
const ACTION: &str = "projection.rebuild";
/// How often whoever leads looks for what is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Asks the instance that leads the view to build it anew beside the one that serves; returns the build's schema. One
/// that is under way, or waits, is gone on with. `promotes` says whether it serves when it is done, or waits for a
/// person. Refused where another version serves: nobody who leads this one would make it, unless it was never promoted;
/// and where a build that is to serve is there already and kept to be compared ([`RunError::IsKept`]).
pub async fn ask_for_build(views: &Views, name: &str, by: &str, promotes: bool) -> Result<String, RunError> {
    let definition = views.entry(name)?.definition;
    let action = recorded::action(by, ACTION, definition.name, json!({ "promote": promotes }));
    unless_done(views.pool(), action, ask(views, definition, by, promotes).await).await
}

async fn ask(views: &Views, definition: &'static Definition, by: &str, promotes: bool) -> Result<String, RunError> {
    check_version(views, definition).await?;
    let settings = build::settings_of(definition, views.settings());
    let beginning = Beginning::of(views.log(), definition).await?;
    let wish = Wish { definition, beginning: &beginning, settings: &settings, by, promotes };
    db::work(views.pool(), CHANGE_AT_MOST, async |session| wish.keep(session).await).await
}

/// What is asked for, and by whom.
struct Wish<'a> {
    definition: &'static Definition,
    beginning: &'a Beginning,
    settings: &'a BuildSettings,
    by: &'a str,
    promotes: bool,
}

impl Wish<'_> {
    /// One transaction: a build that is begun and not asked for would be made, and dropped, by nobody.
    async fn keep(&self, session: &mut PgConnection) -> Result<String, RunError> {
        let mut transaction = session.begin().await?;
        let kept = self.keep_in(&mut transaction).await;
        if kept.is_ok() {
            transaction.commit().await?;
        } else {
            // The error that led here says more than one of the rollback could.
            let _ = transaction.rollback().await;
        }
        kept
    }

    async fn keep_in(&self, transaction: &mut PgConnection) -> Result<String, RunError> {
        let Self { definition, beginning, settings, by, promotes } = *self;
        let then = if promotes { Then::Promote } else { Then::Wait };
        let build = build::find_or_create_in(transaction, beginning, definition, settings, then).await?;
        let build = build.ok_or(RunError::Overtaken { name: definition.name })?;
        sqlx::query(
            "UPDATE public.projection_builds
                SET asked_by = $2, promotes = $3, error = NULL, updated_at = now(),
                    state = CASE state WHEN 'ready' THEN 'catching_up' ELSE state END
              WHERE schema_name = $1 AND state IN ('filling', 'catching_up', 'ready')",
        )
        .bind(&build.schema)
        .bind(by)
        .bind(promotes)
        .execute(&mut *transaction)
        .await?;
        let arguments = json!({ "build": build.schema, "promote": promotes });
        audit::append(transaction, &recorded::action(by, ACTION, definition.name, arguments)).await?;
        Ok(build.schema)
    }
}

/// Refuses where a newer version serves, or an older one that a person went back to.
async fn check_version(views: &Views, definition: &Definition) -> Result<(), RunError> {
    let Definition { name, version: own, .. } = *definition;
    let active = db::read(views.pool(), async |session| build::active(session, name).await).await?;
    let Some(served) = active.map(|active| active.version).filter(|served| *served != own) else { return Ok(()) };
    if served > own {
        return Err(RunError::NewerVersion { name, served, own });
    }
    match build::last_retired(views.pool(), name, Some(own)).await? {
        Some(before) => Err(RunError::RolledBack { name, served, own, build: before.schema }),
        None => Ok(()),
    }
}

/// Makes what is asked for until `cancel`.
pub(crate) async fn keep_making(views: Views, definition: &'static Definition, cancel: CancellationToken) {
    let name = definition.name;
    while cancel.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        match is_asked_for(&views, definition).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                tracing::debug!(projection = name, %error, "builds that are asked for can't be looked for");
                continue;
            }
        }
        match Builder::new(&views, definition, &cancel).run(Then::AsAsked, &mut |_| ()).await {
            Ok(_) | Err(RunError::Cancelled) => {}
            // What does not pass by itself stands in the build's row, which is not gone on with until it is asked for
            // again.
            Err(error) => tracing::warn!(projection = name, %error, "a build that was asked for stops"),
        }
    }
}

/// Whether a build is asked for which this process goes on with. Of others that nobody works on, it says in their rows
/// why not.
async fn is_asked_for(views: &Views, definition: &Definition) -> Result<bool, sqlx::Error> {
    let own = build::settings_of(definition, views.settings());
    let mut is_asked_for = false;
    for Wanted { schema_name, settings: Json(settings), is_begun, is_served } in wanted(views, definition).await? {
        if settings == own {
            // As long as none of its version serves, whoever leads makes one anyhow.
            is_asked_for |= is_served;
        } else if !is_begun {
            let text = other_settings(definition.name, &settings, &own);
            tracing::warn!(
                projection = definition.name,
                schema = schema_name,
                "nobody makes what was asked for: {text}"
            );
            build::set_error(views.pool(), &schema_name, Some(&text)).await?;
        }
    }
    Ok(is_asked_for)
}

fn other_settings(name: &str, settings: &BuildSettings, own: &BuildSettings) -> String {
    let (asked, own) = (build::settings_text(settings), build::settings_text(own));
    let rebuild = build::rebuild_command(name, settings);
    format!(
        "it was asked for with {asked}, and whoever leads the view has {own} configured, so it is not made: `{rebuild}` makes it, or \
         drop it, configure both the same and ask again"
    )
}

/// A build that a person asked for and that is not done.
#[derive(sqlx::FromRow)]
struct Wanted {
    schema_name: String,
    settings: Json<BuildSettings>,
    /// Whether somebody has begun to fill it.
    is_begun: bool,
    /// Whether a build of its version serves.
    is_served: bool,
}

/// What is asked for of this version and log, and has not stopped.
async fn wanted(views: &Views, definition: &Definition) -> Result<Vec<Wanted>, sqlx::Error> {
    let (name, version, log) = (definition.name, definition.version.cast_signed(), views.log().identity());
    db::read(views.pool(), async |session| {
        let ask = sqlx::query_as::<_, Wanted>(
            "SELECT b.schema_name, b.settings,
                    EXISTS (SELECT FROM public.projection_checkpoints AS c
                             WHERE c.schema_name = b.schema_name AND c.revision > 1) AS is_begun,
                    EXISTS (SELECT FROM public.projection_builds AS s
                             WHERE s.projection = $1 AND s.version = $2 AND s.state = 'active') AS is_served
               FROM public.projection_builds AS b
              WHERE b.projection = $1 AND b.version = $2 AND b.log_id = $3 AND b.epoch = $4
                AND b.state IN ('filling', 'catching_up') AND b.asked_by IS NOT NULL AND b.error IS NULL",
        );
        ask.bind(name).bind(version).bind(log.log_id).bind(log.epoch.cast_signed()).fetch_all(session).await
    })
    .await
}
