//! `orders parked`: what consumers could not do, and a person decides on.

mod letters;
mod shown;

use super::With;
use super::actor::who;
use super::tell::{json, tell, tell_of_log};
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, LogArgs};
use crate::v1::ops::parked::{ItemResource, ParkedResource};
use clap::{Args, Subcommand};
use consumers::ledger::State;
use consumers::parked::decide::MOST_AT_ONCE;
use consumers::parked::{self, Decided, Decision, Filter, Many, PAGE_ITEMS, Parked};
use sqlx::PgPool;

const EXAMPLES: &str = "\
Examples:
  orders parked list --consumer order_mail --reason 550
  orders parked show 7
  orders parked retry 7 8
  orders parked retry --reason 'connecting to the mail server'         says how many that are
  orders parked retry --reason 'connecting to the mail server' --yes   has them tried again";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum ParkedCommand {
    /// Lists what is parked, or of unknown outcome, with the reason
    List(With<ListArgs>),
    /// Shows one item with all that is known: its attempts, its event, its request and trace, where it is in Kafka
    Show(With<ShowArgs>),
    /// Has items tried again; a mail goes out with the same Message-ID as before
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
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Those of this order, or other aggregate
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Those that events of this type call for
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Those whose reason has this in it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Those in this state: parked or unknown
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<State>,
}

impl FilterArgs {
    fn filter(&self) -> Filter {
        let Self { consumer, order, event_type, reason, state } = self.clone();
        Filter { consumer, aggregate_id: order, event_type, reason, state }
    }
}

fn state(text: &str) -> Result<State, &'static str> {
    let found = [State::Parked, State::Unknown].into_iter().find(|state| state.as_str() == text);
    found.ok_or("it is parked or unknown")
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
    #[arg(value_name = "ID")]
    id: i64,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What stands for items in place of their IDs.
const FILTERS: [&str; 6] = ["all", "consumer", "order", "event_type", "reason", "state"];

#[derive(Debug, Clone, Args)]
pub(super) struct DecideArgs {
    /// Which, as `orders parked list` shows them
    #[arg(value_name = "ID", conflicts_with_all = FILTERS, required_unless_present_any = FILTERS)]
    ids: Vec<i64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// All that there are
    #[arg(long, conflicts_with_all = &FILTERS[1..])]
    all: bool,
    /// Do it: without, those that are meant are counted, and nothing is done
    #[arg(long)]
    yes: bool,
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
            Self::List(with) => tell(&with.args.database, command, async |pool| list(pool, &with.args).await).await,
            Self::Show(with) => show(&with.args, command).await,
            Self::Retry(with) => {
                tell(&with.args.database, command, async |pool| decide(pool, &with.args, Decision::Retry).await).await
            }
            Self::Discard(with) => {
                tell(&with.args.database, command, async |pool| decide(pool, &with.args, Decision::Discard).await).await
            }
            Self::DeadLetters(with) => letters::browse(&with.args, command).await,
            Self::Redrive(with) => letters::redrive(&with.args, command).await,
        }
    }
}

async fn list(pool: &PgPool, args: &ListArgs) -> Result<String, Failure> {
    let items = all(pool, &args.filter.filter()).await?;
    if !args.json {
        return Ok(shown::list(&items));
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
        let detail = parked::show(&core.log, args.id).await?.ok_or_else(|| none(args.id))?;
        if args.json { json(&ItemResource::of(&detail, true)) } else { Ok(shown::item(&detail)) }
    })
    .await
}

async fn decide(pool: &PgPool, args: &DecideArgs, decision: Decision) -> Result<String, Failure> {
    let filter = args.filter.filter();
    if !args.ids.is_empty() {
        return decide_each(pool, &args.ids, decision).await;
    }
    let found = parked::count(pool, &filter).await?;
    if !args.yes || found == 0 {
        let rest = if found == 0 { "Nothing is done." } else { "Nothing is done yet: --yes does it." };
        return Ok(format!("{}: {}. {rest}\n", verb(decision), items(found)));
    }
    match parked::decide_all(pool, &filter, decision, found, &who()).await? {
        Many::Done(count) => Ok(format!("{}: {}.\n", verb(decision), items(count))),
        Many::Changed(now) => {
            Err(Failure::new(format!("it was {} a moment ago, and is {} now: look at them, and ask again", found, now)))
        }
        Many::TooMany => {
            Err(Failure::new(format!("{found} items are too many at once, {MOST_AT_ONCE} the most: narrow it down")))
        }
    }
}

async fn decide_each(pool: &PgPool, ids: &[i64], decision: Decision) -> Result<String, Failure> {
    let who = who();
    for id in ids {
        let decided = match decision {
            Decision::Retry => parked::retry(pool, *id, &who).await?,
            Decision::Discard => parked::discard(pool, *id, &who).await?,
        };
        if decided == Decided::NotParked {
            return Err(none(*id));
        }
    }
    Ok(format!("{}: {}.\n", verb(decision), count(ids)))
}

const fn verb(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "To be tried again",
        Decision::Discard => "Discarded",
    }
}

fn count(ids: &[i64]) -> String {
    match ids {
        [id] => format!("item {id}"),
        ids => items(ids.len() as u64),
    }
}

fn items(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

fn none(id: i64) -> Failure {
    Failure::new(format!("there is no parked item {id}: `orders parked list` shows those that there are"))
}
