//! What a person did to builds, and what came of it, for the log of what operators did.
//!
//! What was done is taken down in the transaction that did it. What was refused or went wrong has its line alone.

use crate::error::RunError;
use commands::audit::{self, Action, Outcome};
use serde_json::Value;
use sqlx::PgPool;

/// Takes down what came to nothing; hands the outcome through.
pub(crate) async fn unless_done<T>(
    pool: &PgPool,
    action: Action<'_>,
    outcome: Result<T, RunError>,
) -> Result<T, RunError> {
    if let Err(error) = &outcome {
        let outcome = if error.is_refusal() { Outcome::Refused } else { Outcome::Failed };
        let detail = error.to_string();
        let action = Action { outcome, detail: Some(&detail), ..action };
        if let Err(error) = audit::record(pool, &action).await {
            tracing::warn!(action = action.action, actor = action.actor, %error, "what came to nothing could not be taken down");
        }
    }
    outcome
}

/// An action on the builds of a view.
pub(crate) fn action<'a>(by: &'a str, action: &'static str, name: &'a str, arguments: Value) -> Action<'a> {
    Action { arguments, ..Action::done(by, action, name) }
}
