//! `orders audit`: what operators did.

use super::table::table;
use super::tell::{json, tell};
use crate::roles::Failure;
use crate::settings::DatabaseArgs;
use crate::v1::ops::audit::ActionResource;
use commands::audit::{self, Filter, Line, PAGE_LINES};
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
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    /// Write JSON, one action per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Lists them, the newest first.
pub(super) async fn run(args: &AuditArgs) -> Result<(), Failure> {
    tell(&args.database, "orders audit", async |pool| {
        let lines = newest(pool, args).await?;
        if !args.json {
            return Ok(shown(&lines));
        }
        lines.iter().map(|line| json(&ActionResource::from(line))).collect()
    })
    .await
}

async fn newest(pool: &PgPool, args: &AuditArgs) -> Result<Vec<Line>, Failure> {
    let AuditArgs { actor, action, target, .. } = args.clone();
    let filter = Filter { actor, action, target };
    let mut lines: Vec<Line> = Vec::new();
    while lines.len() < args.limit {
        let left = u32::try_from(args.limit - lines.len()).unwrap_or(PAGE_LINES);
        let page = audit::list(pool, &filter, lines.last().map(|line| line.id), left).await?;
        if page.is_empty() {
            break;
        }
        lines.extend(page);
    }
    Ok(lines)
}

fn shown(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "Nothing was done by hand.\n".to_owned();
    }
    let rows: Vec<[String; 7]> = lines
        .iter()
        .map(|line| {
            let arguments =
                if line.arguments == serde_json::json!({}) { String::new() } else { line.arguments.to_string() };
            [
                line.acted_at.format("%F %T").to_string(),
                line.actor.clone(),
                line.action.clone(),
                line.target.clone(),
                line.count.map_or_else(String::new, |count| count.to_string()),
                line.outcome.as_str().to_owned(),
                line.detail.clone().unwrap_or(arguments),
            ]
        })
        .collect();
    table(["AT (UTC)", "WHO", "WHAT", "OF", "COUNT", "OUTCOME", "WITH"], &rows)
}
