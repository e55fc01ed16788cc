//! `orders instances`: the running processes, and who leads what.

use super::table::table;
use super::tell::tell;
use crate::roles::Failure;
use crate::settings::DatabaseArgs;
use crate::v1::{InstanceResource, InstancesResource};
use commands::{instances, lead};
use consumers::relay::RELAY;

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

/// The processes, and below them what each leads: one may lead much.
fn list(found: &InstancesResource) -> String {
    if found.data.is_empty() {
        return "Nothing runs.\n".to_owned();
    }
    let rows: Vec<[String; 6]> = found.data.iter().map(row).collect();
    let mut text = table(["HOST", "PROCESS", "COMMAND", "VERSION", "STARTED (UTC)", "STATE"], &rows);
    let leads = found.data.iter().flat_map(|instance| instance.leads.iter().map(move |lead| (lead, instance)));
    let mut leads: Vec<[String; 3]> =
        leads.map(|(lead, instance)| [lead.name.clone(), name(instance), shown(Some(&lead.since))]).collect();
    leads.sort();
    let is_relayed = leads.iter().any(|[lead, ..]| lead.ends_with(RELAY));
    if !leads.is_empty() {
        text += &format!("\n{}", table(["LED", "BY", "SINCE (UTC)"], &leads));
    }
    if !is_relayed {
        text += "\nNobody holds a lease for the relay: a process that brings its own Kafka along streams to it by itself, \
                 without one.\n";
    }
    text
}

fn row(instance: &InstanceResource) -> [String; 6] {
    [
        instance.host.clone().unwrap_or_else(|| instance.id.to_string()),
        instance.pid.map_or_else(String::new, |pid| pid.to_string()),
        instance.command.clone().unwrap_or_default(),
        instance.version.clone().unwrap_or_default(),
        shown(instance.started_at.as_deref()),
        if instance.lives { "lives" } else { "not seen any more" }.to_owned(),
    ]
}

/// As the table above calls it.
fn name(instance: &InstanceResource) -> String {
    match (&instance.host, instance.pid) {
        (Some(host), Some(pid)) => format!("{host}:{pid}"),
        _ => instance.id.to_string(),
    }
}

/// A time of an answer as tables have it.
fn shown(time: Option<&str>) -> String {
    time.and_then(|time| time.get(..19)).unwrap_or_default().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use commands::instances::SeenInstance;
    use commands::lead::HeldLease;
    use std::slice;
    use uuid::Uuid;

    #[test]
    fn what_is_led_stands_in_lines_of_its_own() {
        let at = DateTime::from_timestamp(1_769_846_401, 500_000_000).unwrap();
        let instance = SeenInstance {
            id: Uuid::from_u128(7),
            host: "shop-1".to_owned(),
            pid: 4711,
            command: "orders serve".to_owned(),
            version: "0.1.0".to_owned(),
            started_at: at,
            seen_at: at,
            lives: true,
        };
        let lease = |name: &str| HeldLease { name: name.to_owned(), holder: instance.id, token: 1, since: at };
        let views = [lease("projection order_list v3"), lease("projection categories v1")];
        let seen = slice::from_ref(&instance);
        let told = list(&InstancesResource::of(seen, &views));
        let expected = "\
HOST    PROCESS  COMMAND       VERSION  STARTED (UTC)        STATE
shop-1  4711     orders serve  0.1.0    2026-01-31 08:00:01  lives

LED                       BY           SINCE (UTC)
projection categories v1  shop-1:4711  2026-01-31 08:00:01
projection order_list v3  shop-1:4711  2026-01-31 08:00:01

Nobody holds a lease for the relay: a process that brings its own Kafka along streams to it by itself, without one.
";
        assert_eq!(told, expected);
        let relay = list(&InstancesResource::of(seen, &[lease("blue.relay")]));
        assert!(relay.contains("blue.relay  shop-1:4711") && !relay.contains("Nobody"), "{relay}");
    }
}
