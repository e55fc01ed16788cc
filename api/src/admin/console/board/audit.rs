//! Who ran the system, and how.

use super::State;
use crate::admin::actors::Actors;
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use chrono::{DateTime, Utc};
use commands::audit::{self, Filter, Line, Outcome};

/// How many lines are shown.
const SHOWN: u32 = 15;

/// A line.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) count: String,
    pub(super) state: State,
    pub(super) detail: String,
}

pub(super) async fn find(app: &App) -> Result<Vec<Row>, Fault> {
    let lines = within(audit::list(app.log.pool(), &Filter::default(), None, SHOWN)).await?;
    let actors = Actors::of(app, lines.iter().map(|line| line.actor.as_str())).await?;
    Ok(lines.into_iter().map(|line| row(line, &actors)).collect())
}

fn row(line: Line, actors: &Actors) -> Row {
    let state = match line.outcome {
        Outcome::Done => State::of("ops-done-well", "good"),
        Outcome::Refused => State::of("ops-refused", ""),
        Outcome::Failed => State::of("ops-failed", "bad"),
    };
    Row {
        id: line.id,
        at: line.acted_at,
        actor: actors.name(&line.actor),
        action: line.action,
        target: line.target,
        count: line.count.map_or_else(String::new, |count| count.to_string()),
        state,
        detail: line.detail.unwrap_or_default(),
    }
}
