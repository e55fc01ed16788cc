//! `orders projections list`: which builds there are, which serves, how far each is.

use super::Place;
use crate::cli::table::table;
use crate::cli::tell::say;
use crate::roles::Failure;
use crate::v1::ViewsResource;
use indicatif::{HumanBytes, HumanCount};
use projections::{BuildOverview, ViewOverview};

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// Write one JSON document instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: &ListArgs) -> Result<(), Failure> {
    let text = args.place.with_views("orders projections list", async |views| {
        let (head, found) = projections::overview_counted(views).await?;
        if !args.json {
            return Ok(list(&found));
        }
        let leases = commands::lead::held(views.log().pool()).await?;
        let json = serde_json::to_string_pretty(&ViewsResource::of(head, &found, &leases));
        Ok(format!("{}\n", json.map_err(|error| Failure::new(error.to_string()))?))
    });
    say(&text.await?)
}

fn list(views: &[ViewOverview]) -> String {
    let mut rows = Vec::new();
    for view in views {
        if view.builds.is_empty() {
            let mut row: [String; 9] = std::array::from_fn(|_| String::new());
            row[0].clone_from(&view.name);
            row[2] = "not built".to_owned();
            rows.push(row);
        }
        rows.extend(view.builds.iter().map(|build| row(view, build)));
    }
    table(["PROJECTION", "BUILD", "STATE", "POSITION", "LAG", "ROWS", "SIZE", "SINCE (UTC)", "ERROR"], &rows)
}

fn row(view: &ViewOverview, build: &BuildOverview) -> [String; 9] {
    [
        view.name.clone(),
        build.schema.clone(),
        build.state.as_str().to_owned(),
        build.position.to_string(),
        build.lag_events.to_string(),
        format!("{}{}", if build.rows_exact { "" } else { "~" }, HumanCount(build.rows)),
        HumanBytes(build.bytes).to_string(),
        build.since.format("%F %T").to_string(),
        build.error.clone().unwrap_or_default(),
    ]
}
