//! Views and their builds as they are answered.

use super::super::super::time;
use crate::openapi::Instant;
use commands::lead::HeldLease;
use domain::Position;
use projections::{BuildOverview, BuildState, ViewOverview};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// All read models.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Projections")]
pub(crate) struct ViewsResource {
    /// The position of the log's last event.
    head: u64,
    pub(super) data: Vec<ViewResource>,
}

/// A read model.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Projection")]
pub(crate) struct ViewResource {
    pub(super) name: String,
    /// The version that the process which answers makes and reads; `null` where it does not know the projection.
    version: Option<u32>,
    /// The build that is read; `null` before the first one is promoted.
    active_build: Option<String>,
    /// The instance that follows the log with it.
    leader: Option<Uuid>,
    /// The oldest first.
    builds: Vec<BuildResource>,
}

/// A build of a read model, in a schema of its own.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Build")]
pub(crate) struct BuildResource {
    /// Its schema, by which it is named.
    name: String,
    version: u32,
    /// `filling` and `catching_up` while it is made; `ready` when it waits to be promoted; `active` when it is read;
    /// `retired` when it was.
    state: &'static str,
    /// What changes the meaning of its rows.
    settings: BTreeMap<String, String>,
    /// It begins behind this position.
    started_after: u64,
    /// Every event up to here is in it.
    position: u64,
    lag_events: u64,
    /// How many rows it has.
    rows: u64,
    /// Whether that is their exact number; of more than a few thousand it is about how many.
    rows_exact: bool,
    /// How much disk it takes.
    bytes: u64,
    /// Who asked for it, while it is made.
    asked_by: Option<String>,
    /// Why it stopped, if it has.
    error: Option<String>,
    #[schemars(with = "Instant")]
    created_at: String,
    /// Since when it is in its state.
    #[schemars(with = "Instant")]
    since: String,
}

impl ViewsResource {
    pub(crate) fn of(head: Position, views: &[ViewOverview], leases: &[HeldLease]) -> Self {
        Self { head: head.0, data: views.iter().map(|view| ViewResource::of(view, leases)).collect() }
    }
}

impl ViewResource {
    fn of(view: &ViewOverview, leases: &[HeldLease]) -> Self {
        let active = view.builds.iter().find(|build| build.state == BuildState::Active);
        let lease = active.map(|build| build.version).or(view.version);
        let lease = lease.map(|version| projections::lease_name(&view.name, version));
        let leader = leases.iter().find(|held| Some(&held.name) == lease.as_ref());
        Self {
            name: view.name.clone(),
            version: view.version,
            active_build: active.map(|build| build.schema.clone()),
            leader: leader.map(|held| held.holder),
            builds: view.builds.iter().map(BuildResource::of).collect(),
        }
    }
}

impl BuildResource {
    fn of(build: &BuildOverview) -> Self {
        Self {
            name: build.schema.clone(),
            version: build.version,
            state: build.state.as_str(),
            settings: build.settings.clone(),
            started_after: build.started_after.0,
            position: build.position.0,
            lag_events: build.lag_events,
            rows: build.rows,
            rows_exact: build.rows_exact,
            bytes: build.bytes,
            asked_by: build.asked_by.clone(),
            error: build.error.clone(),
            created_at: time::text(build.created_at),
            since: time::text(build.since),
        }
    }
}
