//! `orders parked`: what consumers could not do, and a person decides on.

mod letters;
mod shown;

use super::With;
use super::actor::who;
use super::each::Each;
use super::tell::{json, tell_of_log};
use super::which_order::id_of;
use crate::order_name::OrderName;
use crate::roles::{Core, Failure};
use crate::settings::{DatabaseArgs, LogArgs};
use crate::v1::events::selection::UnknownType;
use crate::v1::ops::parked::{ConsumerName, ItemResource, ParkedResource, STATES, TypeName, UnknownConsumer};
use clap::{Args, Subcommand};
use consumers::ledger::State;
use consumers::parked::decide::MOST_AT_ONCE;
use consumers::parked::{self, COUNTED_AT_MOST, Decided, Decision, Filter, Many, PAGE_ITEMS, Parked};
use serde_json::json as document;
use sqlx::PgPool;

const EXAMPLES: &str = "\
Examples:
  orders parked list --consumer order_mail --reason 550
  orders parked list --order 1001
  orders parked show 7
  orders parked retry 7 8
  orders parked list --state waiting                                    what is tried again by itself, and when
  orders parked retry --state waiting --yes                             has it tried now
  orders parked retry --reason 'connecting to the mail server'         says how many that are
  orders parked retry --reason 'connecting to the mail server' --yes   has them tried again";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum ParkedCommand {
    /// Lists what is parked, or of unknown outcome, with the reason; with --state waiting, what is tried again by
    /// itself
    List(With<ListArgs>),
    /// Shows one item with all that is known: its attempts, its event, its request and trace, where it is in Kafka
    Show(With<ShowArgs>),
    /// Has items tried again; a mail goes out with the same Message-ID as before. What waits is tried now
    Retry(With<DecideArgs>),
    /// Decides against items; what waits for them goes on
    Discard(With<DecideArgs>),
    /// Browses the dead-letter topic, where each parking can be read besides
    DeadLetters(With<letters::BrowseArgs>),
    /// Has the items tried again that letters of the dead-letter topic are about
    Redrive(With<letters::RedriveArgs>),
}

/// Which items are meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FilterArgs {
    /// Those of this consumer
    #[arg(long, value_name = "NAME", value_parser = consumer)]
    consumer: Option<String>,
    /// Those of this order, by its id or its number, or of another aggregate by its id
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,
    /// Those that events of this type call for
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    event_type: Option<String>,
    /// Those whose reason has this in it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Those in this state: parked, unknown, or waiting (for the next attempt, or for an earlier one of the order)
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<State>,
}

impl FilterArgs {
    async fn filter(&self, core: &Core) -> Result<Filter, Failure> {
        let Self { consumer, order, event_type, reason, state } = self.clone();
        let aggregate_id = match order {
            Some(named) => Some(aggregate(core, named).await?),
            None => None,
        };
        Ok(Filter { consumer, aggregate_id, event_type, reason, state })
    }
}

/// The id of an order that is named by its number; else the words as they are: not all aggregates are orders.
async fn aggregate(core: &Core, named: String) -> Result<String, Failure> {
    match named.parse::<OrderName>() {
        Ok(order) => Ok(id_of(core, order).await?.to_string()),
        Err(_) => Ok(named),
    }
}

fn consumer(text: &str) -> Result<String, UnknownConsumer> {
    ConsumerName::parse(text).map(|name| name.0)
}

fn event_type(text: &str) -> Result<String, UnknownType> {
    TypeName::parse(text).map(|name| name.0)
}

fn state(text: &str) -> Result<State, &'static str> {
    STATES.into_iter().find(|state| state.as_str() == text).ok_or("it is parked, unknown or waiting")
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Write JSON, one item per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ShowArgs {
    /// Which, as `orders parked list` shows them
    #[arg(value_name = "ID", value_parser = crate::cli::times::id)]
    id: i64,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Where the items are.
const HINT: &str = "`orders parked list` shows those that there are";

/// What stands for items in place of their IDs.
const FILTERS: [&str; 6] = ["all", "consumer", "order", "event_type", "reason", "state"];

#[derive(Debug, Clone, Args)]
pub(super) struct DecideArgs {
    /// Which, as `orders parked list` shows them
    #[arg(value_name = "ID", conflicts_with_all = FILTERS, required_unless_present_any = FILTERS, value_parser = crate::cli::times::id)]
    ids: Vec<i64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// All that there are
    #[arg(long, conflicts_with_all = &FILTERS[1..])]
    all: bool,
    /// Do it: without, those that are meant are counted, and nothing is done
    #[arg(long)]
    yes: bool,
    /// Tell what is done as JSON: an object for each item, or for all that a filter finds
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl ParkedCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::List(with) => &with.log,
            Self::Show(with) => &with.log,
            Self::Retry(with) | Self::Discard(with) => &with.log,
            Self::DeadLetters(with) => &with.log,
            Self::Redrive(with) => &with.log,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        let command = "orders parked";
        match self {
            Self::List(with) => {
                tell_of_log(&with.args.database, command, async |core, _| list(core, &with.args).await).await
            }
            Self::Show(with) => show(&with.args, command).await,
            Self::Retry(with) => decide(&with.args, Decision::Retry, command).await,
            Self::Discard(with) => decide(&with.args, Decision::Discard, command).await,
            Self::DeadLetters(with) => letters::browse(&with.args, command).await,
            Self::Redrive(with) => letters::redrive(&with.args, command).await,
        }
    }
}

async fn list(core: &Core, args: &ListArgs) -> Result<String, Failure> {
    let filter = args.filter.filter(core).await?;
    let items = all(core.pool(), &filter).await?;
    if !args.json {
        return Ok(shown::list(&items, &filter));
    }
    items.iter().map(|item| json(&ParkedResource::from(item))).collect()
}

async fn all(pool: &PgPool, filter: &Filter) -> Result<Vec<Parked>, Failure> {
    let mut items: Vec<Parked> = Vec::new();
    loop {
        let after = items.last().map_or(0, |item| item.id);
        let page = parked::list_of(pool, filter, after, PAGE_ITEMS).await?;
        if page.is_empty() {
            return Ok(items);
        }
        items.extend(page);
    }
}

async fn show(args: &ShowArgs, command: &'static str) -> Result<(), Failure> {
    tell_of_log(&args.database, command, async |core, _| {
        let detail = parked::show(&core.log, args.id)
            .await?
            .ok_or_else(|| Failure::new(format!("{}: {HINT}", none(args.id))))?;
        if args.json { json(&ItemResource::of(&detail, true)) } else { Ok(shown::item(&detail)) }
    })
    .await
}

async fn decide(args: &DecideArgs, decision: Decision, command: &'static str) -> Result<(), Failure> {
    tell_of_log(&args.database, command, async |core, _| {
        if !args.ids.is_empty() {
            return decide_each(core.pool(), args, decision).await;
        }
        decide_all(core.pool(), &args.filter.filter(core).await?, args, decision).await
    })
    .await
}

/// What waits is not discarded.
const NOT_DISCARDED: &str =
    "what waits is tried again by itself: it can be tried now (`orders parked retry`), and not be discarded";

/// All that a filter finds.
async fn decide_all(pool: &PgPool, filter: &Filter, args: &DecideArgs, decision: Decision) -> Result<String, Failure> {
    if decision == Decision::Discard && filter.is_of_waiting() {
        return Err(Failure::new(NOT_DISCARDED));
    }
    let found = parked::count(pool, filter).await?;
    if !args.yes || found == 0 {
        let rest = if found == 0 { "Nothing is done." } else { "Nothing is done yet: --yes does it." };
        let words = format!("{}: {}. {rest}\n", verb(decision), items(found));
        return if args.json { json(&document!({ "count": found, "done": false })) } else { Ok(words) };
    }
    match parked::decide_all(pool, filter, decision, found, &who()).await? {
        Many::Done(count) if args.json => json(&document!({ "count": count, "done": true })),
        Many::Done(count) => Ok(format!("{}: {}.\n", verb(decision), items(count))),
        Many::Changed(now) => {
            Err(Failure::new(format!("it was {} a moment ago, and is {} now: look at them, and ask again", found, now)))
        }
        Many::NotDiscarded => Err(Failure::new(NOT_DISCARDED)),
        Many::TooMany => {
            Err(Failure::new(format!("{} are too many at once, {MOST_AT_ONCE} the most: narrow it down", items(found))))
        }
    }
}

async fn decide_each(pool: &PgPool, args: &DecideArgs, decision: Decision) -> Result<String, Failure> {
    let (who, each) = (who(), Each { name: "id", json: args.json, hint: HINT });
    each.decide(&args.ids, async |id| {
        let decided = match decision {
            Decision::Retry => parked::retry(pool, id, &who).await?,
            Decision::Discard => parked::discard(pool, id, &who).await?,
        };
        Ok(match decided {
            Decided::Done => Ok(format!("{}: item {id}", verb(decision))),
            Decided::NotParked => Err(none(id)),
        })
    })
    .await?;
    Ok(String::new())
}

const fn verb(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "To be tried again",
        Decision::Discard => "Discarded",
    }
}

fn items(count: u64) -> String {
    match count {
        1 => "1 item".to_owned(),
        count if count > COUNTED_AT_MOST => format!("more than {COUNTED_AT_MOST} items"),
        count => format!("{count} items"),
    }
}

fn none(id: i64) -> String {
    format!("there is no parked item {id}")
}
