//! `orders totals`: what was sold, as bars on a terminal, or as JSON.

mod drawn;

use super::bars::Paper;
use super::tell::tell_of_log;
use super::times;
use crate::analytics::{Figures, Subject};
use crate::roles::{Core, Failure};
use crate::settings::{DatabaseArgs, ViewArgs};
use crate::v1::figures_json;
use chrono::{Days, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::ValueEnum;
use domain::Position;
use drawn::Block;
use projections::sales::{self, DayRange, MAX_RANKED, Sales, Side, Things};
use projections::{ReadError, Seen, Views};
use std::io::{self, Write};

pub(super) const EXAMPLES: &str = "\
Examples:
  orders totals --by day
  orders totals --by day --paid
  orders totals --by product --from 2026-01-01 --to 2026-03-31
  orders totals --by city --json | jq '.data[0]'";

/// How many days there are where nothing is said.
const DEFAULT_DAYS: u64 = 30;
/// How many products, or cities, of each currency there are where nothing is said.
const DEFAULT_RANKED: u32 = 20;

/// The arguments of `orders totals`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TotalsArgs {
    /// What is counted by
    #[arg(long, value_enum)]
    by: By,
    /// The first of the shop's days [default: 29 days before the last]
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    from: Option<NaiveDate>,
    /// The last of the shop's days, which is included [default: today]
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    to: Option<NaiveDate>,
    /// Draw what was paid on these days, instead of what was placed; JSON has both
    #[arg(long, conflicts_with = "json")]
    paid: bool,
    /// The most products, or cities, of each currency; what the rest came to is told in one line [default: 20]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RANKED)))]
    limit: Option<u32>,
    /// As GET /v1/analytics/… answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Product,
    City,
}

impl By {
    const fn subject(self) -> Subject {
        match self {
            Self::Day => Subject::Days,
            Self::Product => Subject::Products,
            Self::City => Subject::Cities,
        }
    }
}

/// Reads the view once, and draws it.
pub(super) async fn run(args: &TotalsArgs) -> Result<(), Failure> {
    if args.by == By::Day && args.limit.is_some() {
        return Err(Failure::new("--limit is of products and cities: of days all are told, from --from to --to"));
    }
    tell_of_log(&args.database, "orders totals", async |core, _| told(args, core).await).await
}

/// What is written. Days are those of the build that serves: its rows are, whatever is configured in this shell.
async fn told(args: &TotalsArgs, core: &Core) -> Result<String, Failure> {
    let views = core.views(projections::Settings { time_zone: args.views.time_zone });
    let time_zone = views.time_zone_of::<Sales>().await.map_err(failure)?;
    let range = range(args, Utc::now().with_timezone(&time_zone).date_naive())?;
    let limit = args.limit.unwrap_or(DEFAULT_RANKED);
    let Seen { value: text, position } = if args.json {
        let found = Figures::read(&views, args.by.subject(), range, limit).await.map_err(failure)?;
        found.map(|figures| figures_json(time_zone, range, &figures) + "\n")
    } else {
        let side = if args.paid { Side::Paid } else { Side::Placed };
        let blocks = blocks(&views, args.by, side, range, limit).await.map_err(failure)?;
        let title = title(args.by, side, range, time_zone);
        blocks.map(|blocks| format!("{title}\n\n{}", drawn::text(&blocks, side, Paper::of_stdout())))
    };
    tell_behind(position, core.log.known_head());
    Ok(text)
}

/// What is drawn: a block for each currency.
async fn blocks(views: &Views, by: By, side: Side, range: DayRange, limit: u32) -> Result<Seen<Vec<Block>>, ReadError> {
    let (things, named) = match by {
        By::Day => {
            let days = sales::by_day(views, range).await?;
            return Ok(days.map(|days| Block::of_days(&days, side, range)));
        }
        By::Product => (Things::Products, &drawn::PRODUCTS),
        By::City => (Things::Cities, &drawn::CITIES),
    };
    let rankings = sales::ranking(views, things, side, range, limit).await?;
    Ok(rankings.map(|rankings| rankings.iter().map(|ranking| Block::of_ranking(ranking, named)).collect()))
}

fn failure(error: ReadError) -> Failure {
    Failure::new(error.to_string())
}

fn range(args: &TotalsArgs, today: NaiveDate) -> Result<DayRange, Failure> {
    if let (Some(from), None) = (args.from.filter(|from| *from > today), args.to) {
        return Err(Failure::new(format!(
            "--from {from} is still to come: without --to the last day is today, {today}"
        )));
    }
    let last = args.to.unwrap_or(today);
    let from = args.from.or_else(|| last.checked_sub_days(Days::new(DEFAULT_DAYS - 1)));
    let (Some(from), Some(to)) = (from, last.succ_opt()) else {
        return Err(Failure::new("--to is at the end of the calendar"));
    };
    DayRange::new(from, to).map_err(|error| Failure::new(format!("--from {from} --to {last}: {error}")))
}

/// On standard error: what is on standard output is for pipes too.
fn tell_behind(position: Position, head: Position) {
    if position < head {
        let events = head.0 - position.0;
        // Who closed our errors wants no words.
        let _ = writeln!(io::stderr(), "orders: the last {events} events of the log are not counted yet");
    }
}

fn title(by: By, side: Side, range: DayRange, time_zone: Tz) -> String {
    let what = match side {
        Side::Placed => "Placed",
        Side::Paid => "Paid",
    };
    let by = match by {
        By::Day => "day",
        By::Product => "product",
        By::City => "city",
    };
    let last = range.to().pred_opt().unwrap_or(range.to());
    format!("{what} by {by}, {} to {last} ({})", range.from(), time_zone.name())
}
