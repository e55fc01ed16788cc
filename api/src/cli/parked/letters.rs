//! `orders parked dead-letters` and `redrive`: the dead-letter topic, and from it back to the ledger.

use crate::cli::actor::who;
use crate::cli::each::Each;
use crate::cli::table::table;
use crate::cli::tell::{json, tell_of_log};
use crate::cli::verify::Kafka;
use crate::roles::{Database, Failure};
use crate::settings::{DatabaseArgs, KafkaArgs};
use clap::Args;
use consumers::KafkaSettings;
use consumers::parked::letters::{self, Page};
use consumers::parked::{self, Decided};

/// The arguments of `orders parked dead-letters`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct BrowseArgs {
    /// How many letters, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Those before this offset [default: the very newest]
    #[arg(long, value_name = "OFFSET")]
    before: Option<i64>,
    /// Write JSON, one letter per line, with the record's value
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// The arguments of `orders parked redrive`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct RedriveArgs {
    /// Which letters, as `orders parked dead-letters` shows them
    #[arg(value_name = "OFFSET", required = true)]
    offsets: Vec<i64>,
    /// Tell what is done as JSON, an object for each letter
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// Shows letters.
pub(super) async fn browse(args: &BrowseArgs, command: &'static str) -> Result<(), Failure> {
    tell_of_log(&args.database, command, async |_, database| {
        let kafka = there(&args.kafka, database)?;
        let page = letters::browse(&kafka, args.before, args.limit).await?;
        if !args.json {
            return Ok(shown(&page));
        }
        page.letters.iter().map(json).collect()
    })
    .await
}

/// Has the items tried again that letters name.
pub(super) async fn redrive(args: &RedriveArgs, command: &'static str) -> Result<(), Failure> {
    tell_of_log(&args.database, command, async |core, database| {
        let (kafka, who) = (there(&args.kafka, database)?, who());
        let each = Each { name: "offset", json: args.json, hint: "`orders parked dead-letters` shows what there is" };
        each.decide(&args.offsets, async |offset| {
            let Some(item) = letters::item_at(&kafka, offset).await? else {
                return Ok(Err(format!("there is no letter at offset {offset}")));
            };
            Ok(match parked::retry(core.pool(), item, &who).await? {
                Decided::Done => Ok(format!("To be tried again: item {item}")),
                Decided::NotParked => {
                    Err(format!("item {item}, which the letter at offset {offset} is about, is not parked any more"))
                }
            })
        })
        .await?;
        Ok(String::new())
    })
    .await
}

/// The Kafka that is configured, or that of the system that runs on the data directory.
fn there(args: &KafkaArgs, database: &Database) -> Result<KafkaSettings, Failure> {
    match Kafka::of(args.settings()?, args, database) {
        Kafka::There(settings) => Ok(settings),
        Kafka::Ended(_) => Err(Failure::new(
            "the system whose data these are does not run, and the Kafka that lives inside it holds nothing: \
             `orders parked list` shows what the ledger has",
        )),
        Kafka::Unknown(_, why) => Err(Failure::new(why)),
    }
}

fn shown(Page { letters, before }: &Page) -> String {
    let earlier = before.map_or_else(String::new, |before| format!("Earlier ones: --before {before}\n"));
    if letters.is_empty() {
        return if earlier.is_empty() { "There are no dead letters.\n".to_owned() } else { earlier };
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows: Vec<[String; 8]> = letters
        .iter()
        .map(|letter| {
            let from = letter.came_from.as_ref();
            [
                letter.offset.to_string(),
                letter.item.map_or_else(String::new, |item| item.to_string()),
                text(&letter.consumer),
                text(&letter.event_type),
                text(&letter.key),
                from.map_or_else(String::new, |place| format!("{}/{}@{}", place.topic, place.partition, place.offset)),
                text(&letter.parked_at),
                text(&letter.reason),
            ]
        })
        .collect();
    table(["OFFSET", "ITEM", "CONSUMER", "EVENT", "OF", "CAME FROM", "PARKED (UTC)", "REASON"], &rows)
        + earlier.as_str()
}
