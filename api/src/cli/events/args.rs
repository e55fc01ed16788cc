//! What `orders events` can be asked for.

use crate::cli::times;
use crate::cli::which_order::order;
use crate::csv::Reader;
use crate::order_name::OrderName;
use crate::roles::Failure;
use crate::settings::DatabaseArgs;
use crate::v1::events::selection::{self, CorrelationError, Range, UnknownType};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::ValueEnum;
use commands::EventFilter;
use domain::ids::OrderId;
use domain::sku::SkuError;
use domain::{Position, Sku};
use std::path::PathBuf;

/// The arguments of `orders events`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct EventsArgs {
    /// Begin behind this position
    #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = times::position)]
    pub(super) after: u64,
    /// End with this position
    #[arg(long, value_name = "POSITION", value_parser = times::position)]
    pub(super) up_to: Option<u64>,
    /// Begin with what was recorded at this time or later: a day in UTC, or a time, in UTC where it does not say
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    pub(super) from: Option<DateTime<Utc>>,
    /// End before what was recorded at this time, which is not included
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    pub(super) to: Option<DateTime<Utc>>,
    /// Of this order alone: its id or its number
    #[arg(long, value_name = "ORDER", value_parser = order)]
    pub(super) order: Option<OrderName>,
    /// Of this type alone; several are separated by commas, or the flag is repeated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = event_type)]
    pub(super) types: Vec<String>,
    /// Of this product, and of orders with a line of it
    #[arg(long, value_name = "SKU", value_parser = sku)]
    pub(super) sku: Option<Sku>,
    /// Of one request and what it led to: its Request-Id
    #[arg(long, value_name = "ID", value_parser = correlation_id)]
    pub(super) correlation_id: Option<String>,
    /// End after so many events [default: at the end of the log]
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// Go on with what comes
    #[arg(long, conflicts_with_all = ["up_to", "to", "output"])]
    pub(super) follow: bool,
    /// How they are written
    #[arg(long, value_enum, default_value = "ndjson", requires_if("parquet", "output"))]
    pub(super) format: FileFormat,
    /// Write a file instead of standard output; it is there when it is whole, readable for you alone
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Tell what was written as JSON
    #[arg(long, requires = "output")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// One JSON object per line
    Ndjson,
    /// A table, each cell as it is
    Csv,
    /// A table for a spreadsheet: an apostrophe stands before what it would take for a formula
    Spreadsheet,
    /// Typed columns, for programs that analyse
    Parquet,
}

impl FileFormat {
    /// Who reads it, where it is a table of text.
    pub(super) const fn reader(self) -> Option<Reader> {
        match self {
            Self::Csv => Some(Reader::Program),
            Self::Spreadsheet => Some(Reader::Spreadsheet),
            Self::Ndjson | Self::Parquet => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Spreadsheet => "spreadsheet",
            Self::Parquet => "parquet",
        }
    }
}

impl EventsArgs {
    /// The filter, for the order that is named.
    pub(super) fn filter(&self, order: Option<OrderId>) -> EventFilter {
        EventFilter {
            order,
            types: self.types.clone(),
            sku: self.sku.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }

    /// Refuses what ends before it begins: nothing is what a misspelled history looks like too.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if let Some(up_to) = self.up_to.filter(|up_to| *up_to < self.after) {
            let after = self.after;
            return Err(Failure::new(format!("--after {after} --up-to {up_to}: the range ends before it begins")));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if to <= from => {
                let [from, to] = [from, to].map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
                let why = "the range is empty: --to must lie behind --from, and is not included";
                Err(Failure::new(format!("--from {from} --to {to}: {why}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn range(&self) -> Range {
        Range { after: Position(self.after), up_to: self.up_to.map(Position), from: self.from, to: self.to }
    }
}

fn event_type(name: &str) -> Result<String, UnknownType> {
    selection::event_type(name)
}

fn sku(text: &str) -> Result<Sku, SkuError> {
    Sku::parse(text)
}

fn correlation_id(text: &str) -> Result<String, CorrelationError> {
    selection::correlation_id(text)
}
