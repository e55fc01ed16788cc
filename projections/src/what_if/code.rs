//! What this program's own projections make of history, held against what serves: so the code that folds is what
//! differs, and the events are the same.
//!
//! What serves is copied as one snapshot has it. Each view follows the log by itself, so this program's code is run up
//! to the very position that the view's copy has, with the settings that it was made with.

use super::{Report, Space, WhatIfError, differences, unless_stopped};
use crate::aside::copy_tables;
use crate::build::{self, Build};
use crate::checkpoint;
use crate::cut::CutOff;
use crate::error::{RunError, is_gone};
use crate::order_list::OrderList;
use crate::order_totals::OrderTotals;
use crate::projection::{Definition, Projection};
use crate::verify::remake::{self, Stretch};
use crate::verify::scratch::COPY_ATTEMPTS;
use crate::views::Views;
use commands::Log;
use commands::db::APP_ROLE;
use commands::verify::Watch;
use domain::Position;
use sqlx::{Connection, Executor, PgConnection};

/// A build that serves, and what history was run through beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The view.
    pub name: &'static str,
    /// The build's schema.
    pub build: String,
    /// The build's version.
    pub version: u32,
    /// The version of this program.
    pub own_version: u32,
    /// The last event that both hold.
    pub position: Position,
}

/// The list and the totals as this program makes them.
type Definitions = [&'static Definition; 2];
/// How many these are.
const COPIES: u64 = 2;

/// A build as the snapshot had it.
struct Copied {
    build: Build,
    position: Position,
}

/// Runs history through the code of `views`, and says what differs from the views that serve. Cancelled, it ends at
/// once, whatever statement it is at.
pub async fn run_code(views: &Views, space: &mut Space, watch: &mut Watch<'_>) -> Result<Report, WhatIfError> {
    let cut_off = CutOff::when(watch.cancel, views.pool(), space.session()).await?;
    let outcome = run_through(views, space, watch).await;
    cut_off.end().await;
    unless_stopped(outcome, watch)
}

async fn run_through(views: &Views, space: &mut Space, watch: &mut Watch<'_>) -> Result<Report, WhatIfError> {
    let log = views.log();
    let definitions = [views.entry(OrderList::NAME)?.definition, views.entry(OrderTotals::NAME)?.definition];
    let [was, becomes] = space.schemas();
    let copied = copy(space, &was, log, definitions, watch).await?;
    space.make_tables(&becomes, &definitions).await?;
    for (side, schema) in [("what serves", &was), ("what this program makes", &becomes)] {
        differences::check(space.session(), side, schema).await?;
    }
    let mut served = Vec::with_capacity(copied.len());
    for (definition, Copied { build, position }) in definitions.into_iter().zip(copied) {
        let stretch = Stretch { schema: &becomes, from: build.started_after, to: position };
        remake::bring_up(log, space.session(), definition, &build, stretch, watch).await?;
        let Definition { name, version: own_version, .. } = *definition;
        served.push(Served { name, build: build.schema, version: build.version, own_version, position });
    }
    let position = served.iter().map(|served| served.position).max().unwrap_or(Position::ORIGIN);
    differences::report(space, position, served, watch).await
}

/// Copies what serves into `schema`; refuses what the log of this program does not lead to.
async fn copy(
    space: &mut Space,
    schema: &str,
    log: &Log,
    definitions: Definitions,
    watch: &mut Watch<'_>,
) -> Result<[Copied; 2], WhatIfError> {
    let mut attempts_left = COPY_ATTEMPTS;
    let copied = loop {
        attempts_left -= 1;
        match copy_once(space, schema, definitions, watch).await {
            // It was exchanged, and dropped under the copy.
            Err(WhatIfError::Database(error)) if attempts_left > 0 && is_gone(&error) => {}
            copied => break copied?,
        }
    };
    let head = log.head().await?;
    for (definition, Copied { build, position }) in definitions.iter().zip(&copied) {
        let name = definition.name;
        build::check_log(build, name, log.identity())?;
        if *position > head {
            let rebuild = build::rebuild_command(name, &build.settings);
            return Err(RunError::AheadOfLog { name, position: *position, head, rebuild }.into());
        }
    }
    Ok(copied)
}

async fn copy_once(
    space: &mut Space,
    schema: &str,
    definitions: Definitions,
    watch: &mut Watch<'_>,
) -> Result<[Copied; 2], WhatIfError> {
    let lasts = space.lasts();
    // One snapshot for all statements, gone with the commit.
    let mut transaction = space.session().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    let make = format!("SET LOCAL ROLE {APP_ROLE}; CREATE SCHEMA {schema}");
    transaction.execute(make.as_str()).await?;
    let [list, totals] = definitions.map(|definition| definition.name);
    watch.tell("copies", 0, COPIES)?;
    let list = copy_view(&mut transaction, list, schema, lasts).await?;
    watch.tell("copies", 1, COPIES)?;
    let totals = copy_view(&mut transaction, totals, schema, lasts).await?;
    transaction.commit().await?;
    watch.tell("copies", COPIES, COPIES)?;
    Ok([list, totals])
}

async fn copy_view(
    session: &mut PgConnection,
    name: &'static str,
    schema: &str,
    lasts: bool,
) -> Result<Copied, WhatIfError> {
    let build = build::active(session, name).await?.ok_or(WhatIfError::NotBuilt(name))?;
    let checkpoint = checkpoint::load(session, &build).await?.ok_or(WhatIfError::NotBuilt(name))?;
    copy_tables(session, &build.schema, schema, lasts).await?;
    Ok(Copied { build, position: checkpoint.position })
}
