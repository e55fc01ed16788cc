//! What `orders events` can be asked for.

use crate::csv::Reader;
use crate::settings::DatabaseArgs;
use crate::v1::events::selection::{self, CorrelationError, Range, UnknownType};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
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
    #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(super) after: u64,
    /// End with this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(super) up_to: Option<u64>,
    /// Begin with what was recorded at this time or later: a day in UTC, or a time by RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) from: Option<DateTime<Utc>>,
    /// End before what was recorded at this time, which is not included
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) to: Option<DateTime<Utc>>,
    /// Of this order alone
    #[arg(long, value_name = "ID")]
    pub(super) order: Option<OrderId>,
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
    pub(super) fn filter(&self) -> EventFilter {
        EventFilter {
            order: self.order,
            types: self.types.clone(),
            sku: self.sku.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }

    pub(super) fn range(&self) -> Range {
        Range { after: Position(self.after), up_to: self.up_to.map(Position), from: self.from, to: self.to }
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let day = text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = || DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    day.or_else(|_| time())
        .map_err(|_| "it is neither a day such as 2026-01-31 nor a time such as 2026-01-31T08:00:00Z")
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

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_day_begins_in_utc() {
        assert_eq!(time("2026-01-31").unwrap().to_rfc3339(), "2026-01-31T00:00:00+00:00");
        assert_eq!(time("2026-01-31T01:00:00+02:00").unwrap().to_rfc3339(), "2026-01-30T23:00:00+00:00");
        assert!(time("yesterday").is_err());
    }
}
