//! `orders audit`: what operators did.

use super::table::table;
use super::tell::{json, tell};
use crate::roles::Failure;
use crate::settings::DatabaseArgs;
use crate::v1::ops::audit::ActionResource;
use commands::audit::{self, Filter, Line};
use serde_json::Value;
use sqlx::PgPool;

/// The arguments of `orders audit`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AuditArgs {
    /// Actions of this actor: a key's id, staff:ID or cli:USER@HOST
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Actions of this name; one that ends in a dot, such as `parked.`, stands for all that begin so
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Actions about this: an item, a consumer, a projection
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// How many actions, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Write JSON, one action per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Lists them, the newest first.
pub(super) async fn run(args: &AuditArgs) -> Result<(), Failure> {
    tell(&args.database, "orders audit", async |pool| {
        let AuditArgs { actor, action, target, .. } = args.clone();
        let filter = Filter { actor, action, target };
        let lines = newest(pool, &filter, args.limit).await?;
        if !args.json {
            return Ok(shown(&lines, &filter));
        }
        lines.iter().map(|line| json(&ActionResource::from(line))).collect()
    })
    .await
}

async fn newest(pool: &PgPool, filter: &Filter, limit: u32) -> Result<Vec<Line>, Failure> {
    let (mut lines, mut left): (Vec<Line>, u32) = (Vec::new(), limit);
    while left > 0 {
        let page = audit::list(pool, filter, lines.last().map(|line| line.id), left).await?;
        if page.is_empty() {
            break;
        }
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(left));
        lines.extend(page);
    }
    Ok(lines)
}

fn shown(lines: &[Line], filter: &Filter) -> String {
    if lines.is_empty() {
        let is_filtered = *filter != Filter::default();
        let none = if is_filtered { "Nothing like that was done.\n" } else { "Nothing was done by hand.\n" };
        return none.to_owned();
    }
    let rows: Vec<[String; 8]> = lines
        .iter()
        .map(|line| {
            [
                line.acted_at.format("%F %T").to_string(),
                line.actor.clone(),
                line.action.clone(),
                line.target.clone(),
                line.count.map_or_else(String::new, |count| count.to_string()),
                line.outcome.as_str().to_owned(),
                words(&line.arguments),
                line.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["AT (UTC)", "WHO", "WHAT", "OF", "COUNT", "OUTCOME", "WITH", "WHY NOT"], &rows)
}

/// Arguments as people read them: `consumer=order_mail to="7 days ago"`.
fn words(arguments: &Value) -> String {
    let Value::Object(members) = arguments else { return arguments.to_string() };
    let value = |value: &Value| match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => text.clone(),
        other => other.to_string(),
    };
    members.iter().map(|(name, member)| format!("{name}={}", value(member))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::words;
    use serde_json::json;

    #[test]
    fn arguments_are_told_in_words() {
        assert_eq!(words(&json!({})), "");
        let told = words(&json!({ "consumer": "order_mail", "before": 7, "reason": "of the day", "to": null }));
        for word in ["consumer=order_mail", "before=7", "reason=\"of the day\"", "to=null"] {
            assert!(told.contains(word), "{told}");
        }
    }
}
