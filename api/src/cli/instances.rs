//! `orders instances`: the running processes, and who leads what.

use super::table::table;
use super::tell::tell;
use crate::roles::Failure;
use crate::settings::DatabaseArgs;
use crate::v1::InstancesResource;
use commands::{instances, lead};

/// The arguments of `orders instances`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct InstancesArgs {
    /// Write one JSON document instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: &InstancesArgs) -> Result<(), Failure> {
    tell(&args.database, "orders instances", async |pool| {
        let found = InstancesResource::of(&instances::seen(pool).await?, &lead::held(pool).await?);
        if !args.json {
            return Ok(list(&found));
        }
        let json = serde_json::to_string_pretty(&found).map_err(|error| Failure::new(error.to_string()))?;
        Ok(format!("{json}\n"))
    })
    .await
}

fn list(found: &InstancesResource) -> String {
    if found.data.is_empty() {
        return "Nothing runs.\n".to_owned();
    }
    let rows: Vec<[String; 7]> = found
        .data
        .iter()
        .map(|instance| {
            [
                instance.host.clone().unwrap_or_else(|| instance.id.to_string()),
                instance.pid.map_or_else(String::new, |pid| pid.to_string()),
                instance.command.clone().unwrap_or_default(),
                instance.version.clone().unwrap_or_default(),
                instance.started_at.clone().unwrap_or_default(),
                if instance.lives { "lives" } else { "not seen any more" }.to_owned(),
                instance.leads.iter().map(|lead| lead.name.as_str()).collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    table(["HOST", "PROCESS", "COMMAND", "VERSION", "STARTED", "STATE", "LEADS"], &rows)
}
