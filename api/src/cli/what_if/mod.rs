//! `orders what-if`: what would have been with other prices, or with other code.

mod report;

use super::days::days;
use super::meter::Meter;
use super::priority::give_way;
use super::table::table;
use super::tell::{json, tell, tell_of_log};
use super::times;
use crate::roles::Failure;
use crate::roles::process::stop_token;
use crate::settings::{DatabaseArgs, ViewArgs};
use chrono::NaiveDate;
use commands::verify::{Progress, Watch};
use domain::Sku;
use indicatif::HumanBytes;
use projections::Views;
use projections::what_if::{self, Kept, PriceChange, Report, Space, WhatIfError};
use report::Told;
use rust_decimal::Decimal;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub(super) const DETAILS: &str = "\
History is run twice through the code of the order list and the totals, into two schemas of their own:
as it was, and with other prices. Each price is multiplied by the factor and rounded to the currency's
smallest unit, half a unit up; totals are made anew of the lines. Payments stay as they were made, and
an order that was paid counts as paid. Nothing that is there is touched; the schemas are dropped at the
end. With --keep they stay, to be looked at in SQL (_what_if_NAME_was, _what_if_NAME_if).

With --code it is the code that differs: what serves is copied, and history is run once through the list and
the totals of this program, each up to the position of its copy and in the time zone that it was made with.
So a program with changed projections tells what they would change, before it makes a build.

Examples:
  orders what-if dearer --price-factor 1.05
  orders what-if tea --price-factor 0.9 --sku TEA-GREEN --from 2026-01-01 --to 2026-01-31 --json
  orders what-if next_release --code
  orders what-if --list
  orders what-if dearer --drop";

/// The arguments of `orders what-if`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WhatIfArgs {
    /// What the run is called: 1 to 30 of a-z, 0-9 and _, a letter first
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// What prices are multiplied by, such as 1.05
    #[arg(long, value_name = "FACTOR", value_parser = times::factor, required_unless_present_any = ["code", "list", "drop"])]
    price_factor: Option<Decimal>,
    /// Hold what this program's own projections make of history against what serves
    #[arg(long, conflicts_with_all = ["price_factor", "skus", "from", "to", "list", "drop"])]
    code: bool,
    /// Change the prices of this product alone; may be repeated
    #[arg(long = "sku", value_name = "SKU", value_parser = sku)]
    skus: Vec<Sku>,
    /// Change those of orders placed on this day of the shop or later
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    from: Option<NaiveDate>,
    /// Change those of orders placed up to this day, which is included
    #[arg(long, value_name = "DAY", value_parser = times::day)]
    to: Option<NaiveDate>,
    /// Leave the schemas there at the end
    #[arg(long)]
    keep: bool,
    /// Differences that are listed of each kind; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// Write one JSON document instead of tables; of --list one for each run, a line each
    #[arg(long)]
    json: bool,
    /// List the runs that were kept, and what is left of those that were cut off
    #[arg(long, conflicts_with_all = ["name", "price_factor", "skus", "from", "to", "keep", "limit", "drop"])]
    list: bool,
    /// Drop the run of that name that was kept
    #[arg(long, conflicts_with_all = ["price_factor", "skus", "from", "to", "keep", "limit"])]
    drop: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

/// What is another than it was.
#[derive(Debug, Clone)]
enum Change {
    Prices(PriceChange),
    Code,
}

impl Change {
    fn of(args: &WhatIfArgs) -> Result<Self, Failure> {
        if args.code {
            return Ok(Self::Code);
        }
        let factor = args.price_factor.unwrap_or(Decimal::ONE);
        Ok(Self::Prices(PriceChange::new(factor, args.skus.clone(), days(args.from, args.to)?)?))
    }

    fn words(&self) -> String {
        match self {
            Self::Prices(change) => change.words(),
            Self::Code => "the projections of this program instead of what serves".to_owned(),
        }
    }

    async fn run(&self, views: &Views, space: &mut Space, watch: &mut Watch<'_>) -> Result<Report, WhatIfError> {
        match self {
            Self::Prices(change) => what_if::run(views.log(), space, views.time_zone(), change, watch).await,
            Self::Code => what_if::run_code(views, space, watch).await,
        }
    }
}

fn sku(text: &str) -> Result<Sku, String> {
    Sku::parse(text).map_err(|error| error.to_string())
}

/// Runs, lists or drops. Ctrl-C stops a run and leaves nothing of it.
pub(super) async fn run(args: &WhatIfArgs) -> Result<(), Failure> {
    let name = args.name.as_deref().unwrap_or_default();
    if args.list {
        return tell(&args.database, "orders what-if", async |pool| {
            let runs = what_if::list(pool).await?;
            if args.json { runs.iter().map(|run| json(&KeptRun::of(run))).collect() } else { Ok(kept(&runs)) }
        })
        .await;
    }
    if args.drop {
        return tell(&args.database, "orders what-if", async |pool| {
            what_if::drop_named(pool, name).await?;
            if args.json { json(&Dropped { dropped: name }) } else { Ok(format!("Dropped: {name}.\n")) }
        })
        .await;
    }
    let change = Change::of(args)?;
    let stop = stop_token()?;
    tell_of_log(&args.database, "orders what-if", async |core, _| {
        give_way();
        let views = core.views(projections::Settings { time_zone: args.views.time_zone });
        let report = played(args, name, &views, &change, &stop).await?;
        let told = Told { name, about: change.words(), kept: args.keep, report };
        if args.json { Ok(told.json()?) } else { Ok(told.text()) }
    })
    .await
}

async fn played(
    args: &WhatIfArgs,
    name: &str,
    views: &Views,
    change: &Change,
    stop: &CancellationToken,
) -> Result<Report, WhatIfError> {
    let mut space = Space::open(views.log().pool(), name, args.keep).await?;
    for cleaned in space.cleaned() {
        eprintln!("Dropped what was left of the run `{cleaned}`, which was cut off.");
    }
    let mut meter = Meter::new("");
    let mut show = |progress: Progress<'_>| meter.show(progress.what, progress.done, progress.total);
    let mut watch = Watch { most_listed: args.limit, cancel: stop, progress: &mut show };
    match change.run(views, &mut space, &mut watch).await {
        Ok(report) => {
            space.close(&format!("{}, up to position {}", change.words(), report.position)).await?;
            Ok(report)
        }
        Err(error) => {
            if let Err(error) = space.abandon().await {
                tracing::warn!(%error, "what was made stays until the next run");
            }
            Err(error)
        }
    }
}

/// The run that is there no longer, for programs.
#[derive(Serialize)]
struct Dropped<'a> {
    dropped: &'a str,
}

/// A run that was kept, for programs.
#[derive(Serialize)]
struct KeptRun<'a> {
    name: &'a str,
    bytes: u64,
    /// `null` where it was cut off, or is under way.
    about: Option<&'a str>,
}

impl<'a> KeptRun<'a> {
    fn of(run: &'a Kept) -> Self {
        Self { name: &run.name, bytes: run.bytes, about: run.about.as_deref() }
    }
}

fn kept(runs: &[Kept]) -> String {
    if runs.is_empty() {
        return "Nothing is kept.\n".to_owned();
    }
    let row = |kept: &Kept| {
        let about = kept.about.clone().unwrap_or_else(|| "cut off, or under way".to_owned());
        [kept.name.clone(), HumanBytes(kept.bytes).to_string(), about]
    };
    table(["NAME", "SIZE", "WHAT"], &runs.iter().map(row).collect::<Vec<_>>())
}
