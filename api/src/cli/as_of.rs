//! `orders as-of`: totals of an earlier moment, without the bounds of the API.

use super::days::days;
use super::meter::Meter;
use super::table::table;
use super::tell::tell_of_log;
use super::times;
use crate::roles::{Core, Failure};
use crate::settings::{DatabaseArgs, ViewArgs};
use crate::v1::{as_of, days_json, products_json};
use chrono::NaiveDate;
use clap::ValueEnum;
use commands::{AsOf, Moment};
use domain::Money;
use projections::order_totals::{self, Bounds, DayTotals, OrderTotals, Past, ProductTotals};
use projections::{AsOfError, Projection, Views};
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
A time counts what was recorded by then (`recorded_at` of the events), whenever it is said to have
occurred; a position is an Orders-Position of the API.

Examples:
  orders as-of 2026-01-31T23:59:59Z --by day
  orders as-of 1204 --by product --from 2026-01-01 --to 2026-01-31 --json";

/// How long the view may take to reach the moment.
const REACHES_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// The shop's days
    Day,
    /// The products
    Product,
}

/// The arguments of `orders as-of`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AsOfArgs {
    /// A position of the log, a time such as 2026-01-31T00:00:00Z, or a day, which is its beginning in UTC
    #[arg(value_name = "MOMENT", value_parser = moment)]
    moment: Moment,
    /// What the totals are counted by
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
    /// The first of the shop's days
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    from: Option<NaiveDate>,
    /// The last of the shop's days, which is included
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    to: Option<NaiveDate>,
    /// Write one JSON document, as the API does
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

fn moment(text: &str) -> Result<Moment, &'static str> {
    let moment = as_of::parse(text).or_else(|| times::time(text).ok().map(Moment::Time));
    moment.ok_or(
        "must be a position such as 1204, a day such as 2026-01-31, or a time such as 2026-01-31 08:00 (in UTC) or \
         2026-01-31T08:00:00+09:00",
    )
}

pub(super) async fn run(args: &AsOfArgs) -> Result<(), Failure> {
    tell_of_log(&args.database, "orders as-of", async |core, _| told(args, core).await).await
}

async fn told(args: &AsOfArgs, core: &Core) -> Result<String, Failure> {
    let days = days(args.from, args.to)?;
    let then = core.log.locate(args.moment).await?;
    let views = core.views(projections::Settings { time_zone: args.views.time_zone });
    views.wait_for(OrderTotals::NAME, then.position, REACHES_WITHIN).await?;
    let past = Past::of(&views, days, then.position).await?;
    Ok(match args.by {
        By::Day => {
            let rows = by_day(&views, &past).await?;
            if args.json { format!("{}\n", days_json(rows, then)) } else { headed(then, &days_table(&rows)) }
        }
        By::Product => {
            let rows = by_product(&views, &past).await?;
            if args.json { format!("{}\n", products_json(rows, then)) } else { headed(then, &products_table(&rows)) }
        }
    })
}

async fn by_day(views: &Views, past: &Past) -> Result<Vec<DayTotals>, AsOfError> {
    let mut meter = Meter::new("events");
    let tell = &mut |done, total| meter.show("totals", done, total);
    order_totals::by_day_as_of(views, past, Bounds::NONE, tell).await
}

async fn by_product(views: &Views, past: &Past) -> Result<Vec<ProductTotals>, AsOfError> {
    let mut meter = Meter::new("events");
    let tell = &mut |done, total| meter.show("totals", done, total);
    order_totals::by_product_as_of(views, past, Bounds::NONE, tell).await
}

/// Which moment it is, then the rows.
fn headed(then: AsOf, rows: &str) -> String {
    let when = then.recorded_at.map(|at| format!(", recorded {}", at.format("%F %T%.6f UTC"))).unwrap_or_default();
    format!("As of position {}{when}\n\n{rows}", then.position)
}

fn days_table(rows: &[DayTotals]) -> String {
    let cells = |row: &DayTotals| {
        let DayTotals { day, placed, paid } = row;
        [day.to_string(), placed.orders.to_string(), text(placed.revenue), paid.orders.to_string(), text(paid.revenue)]
    };
    table(["DAY", "PLACED", "REVENUE", "PAID", "REVENUE"], &rows.iter().map(cells).collect::<Vec<_>>())
}

fn products_table(rows: &[ProductTotals]) -> String {
    let cells = |row: &ProductTotals| {
        let ProductTotals { sku, placed, paid } = row;
        [sku.clone(), placed.quantity.to_string(), text(placed.revenue), paid.quantity.to_string(), text(paid.revenue)]
    };
    table(["SKU", "PLACED", "REVENUE", "PAID", "REVENUE"], &rows.iter().map(cells).collect::<Vec<_>>())
}

fn text(money: Money) -> String {
    money.to_string()
}
