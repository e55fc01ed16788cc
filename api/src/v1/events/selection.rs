//! Which events are meant: what they must be, and where they stand. Over HTTP and on the command line alike.

use crate::http::query::Query;
use crate::problem::ValueError;
use chrono::{DateTime, Utc};
use commands::{EventFilter, Log, LogError};
use domain::ids::OrderId;
use domain::{Position, Sku, wire};
use std::fmt;

/// The longest correlation id that is looked for, in bytes. A request's own id is shorter.
pub const MAX_CORRELATION_BYTES: usize = 255;

/// Why a word names no event type.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownType(String);

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no event type `{}`: the types are {}", self.0, types().join(", "))
    }
}

impl std::error::Error for UnknownType {}

impl ValueError for UnknownType {
    fn code(&self) -> &'static str {
        "unknown_value"
    }
}

/// Why a text is no correlation id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a correlation id is 1 to {MAX_CORRELATION_BYTES} bytes, none of them a control character")]
pub struct CorrelationError;

impl ValueError for CorrelationError {
    fn code(&self) -> &'static str {
        "invalid_correlation_id"
    }
}

/// Why a text is no order's id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order's id is a UUID")]
struct NoOrderId;

impl ValueError for NoOrderId {
    fn code(&self) -> &'static str {
        "not_a_uuid"
    }
}

/// Every event type that there is, each once.
pub fn types() -> Vec<&'static str> {
    let mut names: Vec<&str> = wire::versions().map(|(_, name, _)| name).collect();
    names.dedup();
    names
}

/// One event type.
pub fn event_type(name: &str) -> Result<String, UnknownType> {
    if types().contains(&name) {
        Ok(name.to_owned())
    } else {
        // What was sent is repeated, but not at any length.
        Err(UnknownType(name.chars().take(64).collect()))
    }
}

/// One correlation id.
pub fn correlation_id(text: &str) -> Result<String, CorrelationError> {
    let fits = (1..=MAX_CORRELATION_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(CorrelationError) }
}

/// Takes `order`, `type`, `sku` and `correlation_id` out of a query.
pub(super) fn filter(query: &mut Query<'_>) -> EventFilter {
    EventFilter {
        order: query.parsed("order", |id| id.parse::<OrderId>().map_err(|_| NoOrderId)),
        types: query.parsed("type", several_types).unwrap_or_default(),
        sku: query.parsed("sku", Sku::parse),
        correlation_id: query.parsed("correlation_id", correlation_id),
    }
}

fn several_types(names: &str) -> Result<Vec<String>, UnknownType> {
    names.split(',').map(event_type).collect()
}

/// Where events stand: what is not said is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// Behind this position.
    pub after: Position,
    /// Not behind this one.
    pub up_to: Option<Position>,
    /// Recorded at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Recorded before this time.
    pub to: Option<DateTime<Utc>>,
}

impl Range {
    /// Takes `after`, `up_to`, `from` and `to` out of a query.
    pub(super) fn of(query: &mut Query<'_>) -> Self {
        let most = i64::MAX.unsigned_abs();
        Self {
            after: Position(query.number("after", 0, most).unwrap_or(0)),
            up_to: query.number("up_to", 0, most).map(Position),
            from: query.time("from"),
            to: query.time("to"),
        }
    }

    /// Whether it ends anywhere but at the end of the history.
    pub fn has_end(&self) -> bool {
        self.up_to.is_some() || self.to.is_some()
    }

    /// What it means on a log that reaches to `head`: behind the first position, up to the second. Times never run
    /// backwards along positions, so they are positions too.
    pub async fn resolve(&self, log: &Log, head: Position) -> Result<(Position, Position), LogError> {
        let (mut after, mut last) = (self.after, self.up_to.unwrap_or(head).min(head));
        if let Some(from) = self.from {
            after = after.max(log.position_at(from).await?.min(head));
        }
        if let Some(to) = self.to {
            last = last.min(log.position_at(to).await?);
        }
        Ok((after, last.max(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_with_all_its_faults() {
        let mut query = Query::new(Some("type=OrderPlaced,OrderPaid&sku=TEA&correlation_id=r-7"));
        let read = filter(&mut query);
        assert!(query.finish().is_ok());
        assert_eq!(read.types, ["OrderPlaced", "OrderPaid"]);
        assert_eq!((read.sku, read.correlation_id.as_deref()), (Sku::parse("TEA").ok(), Some("r-7")));
        let mut query = Query::new(Some("order=7&type=OrderPlaced,x&sku=%20&correlation_id="));
        assert!(filter(&mut query).is_everything());
        let problem = query.finish().unwrap_err();
        let codes: Vec<&str> = problem.faults().iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["not_a_uuid", "unknown_value", "invalid_sku", "invalid_correlation_id"]);
    }

    #[test]
    fn each_type_is_named_once() {
        let names = types();
        assert!(names.contains(&"OrderPlaced") && names.iter().filter(|name| **name == "OrderPlaced").count() == 1);
    }
}
