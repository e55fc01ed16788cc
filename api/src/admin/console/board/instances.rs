//! Which processes run, and what each of them leads.

use super::{Found, State};
use crate::admin::AdminPage;
use crate::app::App;
use crate::problem::within;
use crate::shop::Fault;
use commands::instances;

/// A process.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) version: String,
    pub(super) state: State,
    pub(super) started: String,
    pub(super) leads: String,
}

pub(super) async fn find(app: &App, page: &AdminPage, found: &Found) -> Result<Vec<Row>, Fault> {
    let seen = within(instances::seen(app.log.pool())).await?;
    let rows = seen.into_iter().map(|instance| {
        let leads = found.leases.iter().filter(|held| held.holder == instance.id).map(|held| held.name.as_str());
        Row {
            id: instance.id.to_string(),
            name: format!("{}:{}", instance.host, instance.pid),
            leads: leads.collect::<Vec<_>>().join(", "),
            command: instance.command,
            version: instance.version,
            state: if instance.lives { State::of("ops-lives", "good") } else { State::of("ops-silent", "bad") },
            started: page.ago(&instance.started_at),
        }
    });
    Ok(rows.collect())
}
