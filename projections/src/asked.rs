//! Builds that a person asked for, made by the instance that leads the view, beside the one that it follows.

use crate::build::{self, Beginning};
use crate::error::RunError;
use crate::projection::Definition;
use crate::rebuild::{Builder, Then};
use crate::recorded::{self, unless_done};
use crate::views::Views;
use commands::audit;
use commands::db;
use serde_json::json;
use sqlx::types::Json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How asking for a build is called in the log of what operators did.
const ACTION: &str = "projection.rebuild";
/// How often whoever leads looks for what is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Asks the instance that leads the view to build it anew beside the one that serves; returns the build's schema. One that is
/// under way, or waits, is gone on with. `promotes` says whether it serves when it is done, or waits for a person. Refused where
/// another version serves: nobody who leads this one would make it, unless it was never promoted.
pub async fn ask_for_build(views: &Views, name: &str, by: &str, promotes: bool) -> Result<String, RunError> {
    let definition = views.entry(name)?.definition;
    let action = recorded::action(by, ACTION, definition.name, json!({ "promote": promotes }));
    unless_done(views.pool(), action, ask(views, definition, by, promotes).await).await
}

async fn ask(views: &Views, definition: &'static Definition, by: &str, promotes: bool) -> Result<String, RunError> {
    check_version(views, definition).await?;
    let settings = build::settings_of(definition, views.settings());
    let then = if promotes { Then::Promote } else { Then::Wait };
    let beginning = Beginning::of(views.log(), definition).await?;
    // One transaction: a build that is begun and not asked for would be made, and dropped, by nobody.
    let mut transaction = views.pool().begin().await?;
    let build = build::find_or_create_in(&mut transaction, &beginning, definition, &settings, then).await?;
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
    audit::append(&mut transaction, &recorded::action(by, ACTION, definition.name, arguments)).await?;
    transaction.commit().await?;
    Ok(build.schema)
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
            // What does not pass by itself stands in the build's row, which is not gone on with until it is asked for again.
            Err(error) => tracing::warn!(projection = name, %error, "a build that was asked for stops"),
        }
    }
}

/// Whether a build is asked for which this process would go on with. As long as none of its version serves, whoever leads makes one
/// anyhow.
async fn is_asked_for(views: &Views, definition: &Definition) -> Result<bool, sqlx::Error> {
    let settings = build::settings_of(definition, views.settings());
    let identity = views.log().identity();
    db::read(views.pool(), async |session| {
        let ask = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM public.projection_builds
              WHERE projection = $1 AND version = $2 AND settings = $3 AND log_id = $4 AND epoch = $5
                AND state IN ('filling', 'catching_up') AND asked_by IS NOT NULL AND error IS NULL
                AND EXISTS (SELECT FROM public.projection_builds WHERE projection = $1 AND version = $2 AND state = 'active'))",
        );
        let ask = ask.bind(definition.name).bind(definition.version.cast_signed()).bind(Json(&settings));
        ask.bind(identity.log_id).bind(identity.epoch.cast_signed()).fetch_one(session).await
    })
    .await
}
