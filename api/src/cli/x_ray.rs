//! `orders x-ray`: one order with all that is known of it, as a file; or such a file, folded again and compared.

use super::tell::{say, with_core};
use super::verify::kafka::Kafka;
use super::which_order::{id_of, order};
use super::whole_file;
use crate::order_name::OrderName;
use crate::roles::{Core, Database, Failure};
use crate::settings::{DatabaseArgs, KafkaArgs};
use crate::x_ray::replay::{MAX_FILE_BYTES, Replayed, parse, replay};
use crate::x_ray::{XRay, take};
use chrono::Utc;
use domain::order::Order;
use std::fs::File;
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
    #[arg(value_name = "ORDER", required_unless_present = "replay", conflicts_with = "replay", value_parser = order)]
    order: Option<OrderName>,
    /// File to write instead of standard output; it is there when it is whole, readable for you alone
    #[arg(short, long, value_name = "FILE", conflicts_with = "replay")]
    output: Option<PathBuf>,
    /// File to fold and compare
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
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
    let taken = with_core(&args.database, "orders x-ray", taken).await?;
    let mut text = serde_json::to_string_pretty(&taken)?;
    text.push('\n');
    let Some(path) = &args.output else { return say(&text) };
    whole_file::write(path, text.as_bytes())?;
    say(&format!("{}: order {}\n", path.display(), taken.order))
}

async fn taken(args: &XRayArgs, core: &Core, kafka: &Kafka) -> Result<XRay, Failure> {
    let name = args.order.ok_or_else(|| Failure::new("which order is to be said"))?;
    let order = id_of(core, name).await?;
    Ok(take(&core.log, kafka.names(), order, Utc::now()).await?)
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
