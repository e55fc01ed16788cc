//! What a client is told when builds of a view can't be made, compared or exchanged.

use crate::problem::{Code, Problem};
use projections::RunError;

pub(super) fn not_found() -> Problem {
    Problem::new(Code::ProjectionNotFound, "No projection has this name.")
}

/// The texts of these errors are for whoever runs the system, and so is this API.
pub(super) fn problem(error: RunError) -> Problem {
    match error {
        RunError::UnknownProjection { .. } => not_found(),
        RunError::NoBuild { name, build } => {
            let detail =
                format!("{name} has no build `{build}`: GET /v1/ops/projections/{name} shows those that there are.");
            Problem::new(Code::BuildNotFound, detail)
        }
        RunError::OnlyBuild { name, build } => {
            let detail = format!(
                "{name} has only one build, {build}: POST /v1/ops/projections/{name}/rebuild with `promote: false` makes \
                 another, to be compared with it."
            );
            Problem::new(Code::BuildNotFound, detail)
        }
        RunError::OtherActive { ref active, .. } => {
            let active = active.clone();
            Problem::new(Code::OtherActiveBuild, error.to_string()).with("active_build", active)
        }
        RunError::NothingBefore { .. }
        | RunError::NotFinished { .. }
        | RunError::NewerVersion { .. }
        | RunError::RolledBack { .. }
        | RunError::IsFollowed { .. }
        | RunError::IsKept { .. }
        | RunError::LeftReady { .. }
        | RunError::OtherComparison
        | RunError::OtherProgram { .. }
        | RunError::SameBuild { .. }
        | RunError::NotComparable { .. }
        | RunError::SettingsChanged { .. }
        | RunError::OtherLog { .. }
        | RunError::NoStart { .. }
        | RunError::AheadOfLog { .. } => Problem::new(Code::BuildUnfit, error.to_string()),
        RunError::RegistryBusy { .. } => Problem::new(Code::Contention, error.to_string()),
        RunError::Overtaken { .. } => {
            Problem::new(Code::Contention, "Another process works on the same build; try again.")
        }
        RunError::Database(error) => error.into(),
        RunError::Log(error) => error.into(),
        error => {
            tracing::error!(%error, "builds of a view can't be exchanged");
            Problem::internal()
        }
    }
}
