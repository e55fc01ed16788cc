//! `GET /v1/ops/instances`: the running processes, and who leads what.

use super::super::reads::json_of;
use super::super::time;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::instances::{SeenInstance, seen};
use commands::lead::{HeldLease, held};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// The running processes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Instances")]
pub(crate) struct InstancesResource {
    pub(crate) data: Vec<InstanceResource>,
}

/// A process. Of one that leads and has not said who it is, or not for long, only its id is known.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Instance")]
pub(crate) struct InstanceResource {
    pub(crate) id: Uuid,
    pub(crate) host: Option<String>,
    pub(crate) pid: Option<i32>,
    /// What it was started as.
    pub(crate) command: Option<String>,
    /// The program's version.
    pub(crate) version: Option<String>,
    #[schemars(with = "Option<Instant>")]
    pub(crate) started_at: Option<String>,
    #[schemars(with = "Option<Instant>")]
    pub(crate) seen_at: Option<String>,
    /// Whether it was seen within the last seconds, or leads.
    pub(crate) lives: bool,
    /// What it leads in.
    pub(crate) leads: Vec<LeadResource>,
}

/// The lead in something that one process does at a time.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Lead")]
pub(crate) struct LeadResource {
    /// `relay`, or `projection <name> v<version>`.
    pub(crate) name: String,
    #[schemars(with = "Instant")]
    pub(crate) since: String,
    /// How often the lead was taken until now.
    taken: u64,
}

impl InstancesResource {
    pub(crate) fn of(seen: &[SeenInstance], leases: &[HeldLease]) -> Self {
        let leads_of = |id: Uuid| {
            let held = leases.iter().filter(|lease| lease.holder == id);
            held.map(LeadResource::of).collect::<Vec<_>>()
        };
        let mut data: Vec<InstanceResource> =
            seen.iter().map(|instance| InstanceResource::of(instance, leads_of(instance.id))).collect();
        for lease in leases {
            if data.iter().all(|instance| instance.id != lease.holder) {
                data.push(InstanceResource::unknown(lease.holder, leads_of(lease.holder)));
            }
        }
        Self { data }
    }
}

impl InstanceResource {
    fn of(seen: &SeenInstance, leads: Vec<LeadResource>) -> Self {
        Self {
            id: seen.id,
            host: Some(seen.host.clone()),
            pid: Some(seen.pid),
            command: Some(seen.command.clone()),
            version: Some(seen.version.clone()),
            started_at: Some(time::text(seen.started_at)),
            seen_at: Some(time::text(seen.seen_at)),
            lives: seen.lives || !leads.is_empty(),
            leads,
        }
    }

    fn unknown(id: Uuid, leads: Vec<LeadResource>) -> Self {
        let (host, pid, command, version) = (None, None, None, None);
        Self { id, host, pid, command, version, started_at: None, seen_at: None, lives: true, leads }
    }
}

impl LeadResource {
    fn of(lease: &HeldLease) -> Self {
        Self { name: lease.name.clone(), since: time::text(lease.since), taken: lease.token.unsigned_abs() }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::new(query.as_deref()).finish()?;
    let pool = app.log.pool();
    let found = InstancesResource::of(&within(seen(pool)).await?, &within(held(pool)).await?);
    json_of(&found)
}
