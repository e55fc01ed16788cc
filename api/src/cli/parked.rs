//! `orders parked`: what consumers could not do, and a person decides on.

use super::With;
use super::table::table;
use super::tell::tell;
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, LogArgs};
use clap::{Args, Subcommand};
use consumers::parked::{self, Decided, PAGE_ITEMS, Parked};
use sqlx::PgPool;

#[derive(Debug, Subcommand)]
pub(super) enum ParkedCommand {
    /// Lists what is parked, or of unknown outcome, with the reason
    List(With<ListArgs>),
    /// Has items tried again; a mail goes out with the same Message-ID as before
    Retry(With<DecideArgs>),
    /// Decides against items; what waits for them goes on
    Discard(With<DecideArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct DecideArgs {
    /// Which, as `orders parked list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl ParkedCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::List(with) => &with.log,
            Self::Retry(with) | Self::Discard(with) => &with.log,
        }
    }

    fn database_args(&self) -> &DatabaseArgs {
        match self {
            Self::List(with) => &with.args.database,
            Self::Retry(with) | Self::Discard(with) => &with.args.database,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        tell(self.database_args(), "orders parked", async |pool| self.run_on(pool).await).await
    }

    async fn run_on(&self, pool: &PgPool) -> Result<String, Failure> {
        let who = who();
        match self {
            Self::List(_) => Ok(list(&all(pool).await?)),
            Self::Retry(with) => {
                for id in &with.args.ids {
                    decided(*id, parked::retry(pool, *id, &who).await?)?;
                }
                Ok(format!("To be tried again: {}.\n", count(&with.args.ids)))
            }
            Self::Discard(with) => {
                for id in &with.args.ids {
                    decided(*id, parked::discard(pool, *id, &who).await?)?;
                }
                Ok(format!("Discarded: {}.\n", count(&with.args.ids)))
            }
        }
    }
}

/// Who decided, for the record: the operating system's user.
pub(super) fn who() -> String {
    let name = crate::embedded::account::own_name();
    name.map_or_else(|_| "command line".to_owned(), |name| format!("command line, {name}"))
}

fn count(ids: &[i64]) -> String {
    match ids {
        [id] => format!("item {id}"),
        ids => format!("{} items", ids.len()),
    }
}

fn decided(id: i64, decided: Decided) -> Result<(), Failure> {
    match decided {
        Decided::Done => Ok(()),
        Decided::NotParked => {
            Err(Failure::new(format!("there is no parked item {id}: `orders parked list` shows those that there are")))
        }
    }
}

async fn all(pool: &PgPool) -> Result<Vec<Parked>, Failure> {
    let mut items: Vec<Parked> = Vec::new();
    loop {
        let after = items.last().map_or(0, |item| item.id);
        let page = parked::list(pool, after, PAGE_ITEMS).await?;
        if page.is_empty() {
            return Ok(items);
        }
        items.extend(page);
    }
}

fn list(items: &[Parked]) -> String {
    if items.is_empty() {
        return "Nothing is parked.\n".to_owned();
    }
    let rows: Vec<[String; 8]> = items
        .iter()
        .map(|item| {
            [
                item.id.to_string(),
                item.state.as_str().to_owned(),
                item.consumer.clone(),
                item.event_type.clone(),
                format!("{} {}", item.aggregate_type, item.aggregate_id),
                item.holds.to_string(),
                item.since.format("%F %T").to_string(),
                item.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(["ID", "STATE", "CONSUMER", "EVENT", "OF", "HOLDS", "SINCE (UTC)", "REASON"], &rows)
}
