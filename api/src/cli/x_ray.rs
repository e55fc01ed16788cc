//! `orders x-ray`: one order with all that is known of it, as a file; or such a file, folded again and compared.

use super::tell::{say, with_core};
use super::verify::kafka::Kafka;
use crate::roles::{Core, Database, Failure};
use crate::settings::{DatabaseArgs, KafkaArgs, ViewArgs};
use crate::x_ray::replay::{MAX_FILE_BYTES, Replayed, parse, replay};
use crate::x_ray::{XRay, take};
use chrono::Utc;
use domain::ids::{OrderId, OrderNumber};
use domain::order::Order;
use projections::order_list::{Search, Whose, search};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const DETAILS: &str = "\
The file holds the order's events as stored, its rows in each view, what became of its mails, and how
far each consumer is where its events are in Kafka. Names, addresses, references of payments and who
did what are replaced, each by the same word throughout; amounts, products and times are kept. So it
may be sent to whoever looks for the fault.

--replay needs no database: it folds the events of a file and compares what comes out with the rows.
Its exit codes: 0 they agree, 1 something differs, 2 the file can't be read.

Examples:
  orders x-ray 1001 -o order.json
  orders x-ray --replay order.json";

/// The exit codes besides success.
const DIFFERS: u8 = 1;
const NOT_READ: u8 = 2;

/// The arguments of `orders x-ray`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct XRayArgs {
    /// Which order: its id or its number
    #[arg(value_name = "ORDER", required_unless_present = "replay", conflicts_with = "replay")]
    order: Option<String>,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", conflicts_with = "replay")]
    output: Option<PathBuf>,
    /// File to fold and compare
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    views: ViewArgs,
}

/// Writes a file, or compares one and says what came out by its exit code.
pub(super) async fn run(args: &XRayArgs) -> ExitCode {
    let (outcome, failed) = match &args.replay {
        Some(file) => (compare(file), NOT_READ),
        None => (write(args).await.map(|()| ExitCode::SUCCESS), DIFFERS),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("orders: {failure}");
        ExitCode::from(failed)
    })
}

async fn write(args: &XRayArgs) -> Result<(), Failure> {
    let configured = args.kafka.settings()?;
    let taken =
        async |core: &Core, database: &Database| taken(args, core, &Kafka::of(configured, &args.kafka, database)).await;
    let mut text = serde_json::to_string_pretty(&with_core(&args.database, "orders x-ray", taken).await?)?;
    text.push('\n');
    match &args.output {
        None => say(&text),
        Some(path) => {
            fs::write(path, text).map_err(|error| Failure::new(format!("{} can't be written: {error}", path.display())))
        }
    }
}

async fn taken(args: &XRayArgs, core: &Core, kafka: &Kafka) -> Result<XRay, Failure> {
    let order = which(args, core).await?;
    Ok(take(&core.log, kafka.names(), order, Utc::now()).await?)
}

/// The order of an id, or of a number that the list knows.
async fn which(args: &XRayArgs, core: &Core) -> Result<OrderId, Failure> {
    let text = args.order.as_deref().unwrap_or_default();
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let number = text.strip_prefix('#').unwrap_or(text).parse::<u64>();
    let number = number.map_err(|_| Failure::new(format!("`{text}` is neither the id nor the number of an order")))?;
    let views = core.views(projections::Settings { time_zone: args.views.time_zone });
    let found = search(&views, Whose::All, &Search::Number(OrderNumber(number)), None, 1).await?;
    let row = found.value.rows.into_iter().next();
    row.map(|row| row.id).ok_or_else(|| Failure::new(format!("no order of the list has the number {number}")))
}

fn compare(path: &Path) -> Result<ExitCode, Failure> {
    let refused = |why: String| Failure::new(format!("{} is not read: {why}", path.display()));
    let bytes = read(path).map_err(|error| refused(error.to_string()))?;
    let file = parse(&bytes).map_err(|error| refused(error.to_string()))?;
    let replayed = replay(&file);
    say(&told(&file, &replayed))?;
    Ok(if replayed.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MB", MAX_FILE_BYTES >> 20)));
    }
    Ok(bytes)
}

fn told(file: &XRay, replayed: &Replayed) -> String {
    let Replayed { events, state, compared, left_out, differences } = replayed;
    let mut text = format!("Order {}: {events} events lead to {}.\n", file.order, stands(state));
    for name in compared {
        let prefix = format!("{name}.");
        let count = differences.iter().filter(|difference| difference.to_string().starts_with(&prefix)).count();
        let outcome = if count == 0 { "agrees".to_owned() } else { format!("{count} differ") };
        text += &format!("{name}: {outcome}\n");
    }
    for (name, why) in left_out {
        text += &format!("{name}: not compared, {why}\n");
    }
    for difference in differences {
        text += &format!("  {difference}\n");
    }
    text
}

fn stands(order: &Order) -> String {
    let Some(placed) = order.placed() else { return "an order that is not placed".to_owned() };
    let paid = if order.is_paid() { "paid" } else { "not paid" };
    format!("a placed order of {}, {paid}", placed.total)
}
