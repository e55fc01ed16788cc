//! `orders projections diff`: two builds, row by row.

use super::Place;
use crate::cli::meter::Meter;
use crate::cli::tell::say;
use crate::roles::Failure;
use crate::roles::process::stop_token;
use crate::v1::DiffResource;
use commands::verify::Watch;
use projections::diff::{Cells, Compared, RowDifference};
use std::fmt::Write as _;
use std::process::ExitCode;

pub(super) const DETAILS: &str = "\
Both builds are copied as one snapshot has them, and the copy that is behind is brought up to the
other's position, so they are compared as of one event. The builds themselves are not touched. What
is printed holds what the rows hold, personal data too.

Exit codes: 0 both say the same, 1 they differ, 2 they could not be compared.

Examples:
  orders projections rebuild order_list --no-promote
  orders projections diff order_list
  orders projections diff order_list order_list_v3_1 order_list_v3_2 --json";

/// The exit codes besides success.
const DIFFERS: u8 = 1;
const NOT_COMPARED: u8 = 2;

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct DiffArgs {
    /// Which projection
    #[arg(value_name = "NAME")]
    name: String,
    /// The build that the other is compared with [default: the one that serves]
    #[arg(value_name = "A")]
    a: Option<String>,
    /// The other [default: the newest besides]
    #[arg(value_name = "B")]
    b: Option<String>,
    /// Rows that are shown; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    limit: u32,
    /// Write one JSON document instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Compares, prints what came out, and says it by the exit code.
pub(super) async fn run(args: &DiffArgs) -> ExitCode {
    compare(args).await.unwrap_or_else(|failure| {
        eprintln!("orders: {failure}");
        ExitCode::from(NOT_COMPARED)
    })
}

async fn compare(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let stop = stop_token()?;
    let compared = args.place.with_views("orders projections diff", async |views| {
        let mut meter = Meter::new("");
        let show = &mut |now: commands::verify::Progress<'_>| meter.show(now.what, now.done, now.total);
        let mut watch = Watch { most_listed: args.limit as usize, cancel: &stop, progress: show };
        let (a, b) = (args.a.as_deref(), args.b.as_deref());
        Ok(projections::diff::diff(views, &args.name, a, b, None, &mut watch).await?)
    });
    let compared = compared.await?;
    say(&if args.json {
        let json = serde_json::to_string_pretty(&DiffResource::of(&compared, true));
        format!("{}\n", json.map_err(|error| Failure::new(error.to_string()))?)
    } else {
        told(&compared)
    })?;
    Ok(if compared.agree() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn told(compared: &Compared) -> String {
    let Compared { a, b, position, shapes, rows } = compared;
    let mut text = format!(
        "a  {} (version {}): {} rows\nb  {} (version {}): {} rows\nboth as of position {position}\n",
        a.schema, a.version, a.rows, b.schema, b.version, b.rows
    );
    for shape in shapes {
        let _ = write!(text, "{}:", shape.table);
        for (side, columns) in [("a", &shape.only_in_a), ("b", &shape.only_in_b)] {
            if !columns.is_empty() {
                let _ = write!(text, " only in {side}: {};", columns.join(", "));
            }
        }
        text.push_str(if shape.compared { " the rest is compared\n" } else { " not compared\n" });
    }
    for row in rows.listed() {
        told_row(&mut text, row);
    }
    let (count, listed) = (rows.count(), rows.listed().len() as u64);
    let _ = match count {
        0 => writeln!(text, "Every row says the same."),
        1 => writeln!(text, "One row differs."),
        _ if listed < count => writeln!(text, "{count} rows differ, the first {listed} are shown (--limit)."),
        _ => writeln!(text, "{count} rows differ."),
    };
    text
}

fn told_row(text: &mut String, row: &RowDifference) {
    let cells = |cells: &Option<Cells>| match cells {
        None => "no such row".to_owned(),
        Some(Cells(cells)) => {
            let parts = cells.iter().map(|(column, value)| match value {
                Some(value) => format!("{column}={value}"),
                None => format!("{column} is null"),
            });
            parts.collect::<Vec<_>>().join("  ")
        }
    };
    let _ = writeln!(text, "{} {}\n  a  {}\n  b  {}", row.table, row.key, cells(&row.a), cells(&row.b));
}
