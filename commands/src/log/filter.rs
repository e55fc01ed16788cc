//! Reading the events that a question is about.
//!
//! A stream is found by its key. What else is asked for (types, a sku, a correlation id) has no index: each would be
//! paid for by every append. It is looked for along the positions, so many of them by one statement, on the server;
//! where the events are in memory, there. The server's look is a coarse one, at the text of an event; what it lets
//! through is looked at once more here.

use super::stored::COLUMNS;
use super::{Log, LogError, StoredEvent};
use domain::ids::OrderId;
use domain::{AggregateType, Position, Sku};
use serde_json::Value;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use std::sync::Arc;
use uuid::Uuid;

/// How many positions one statement looks through. Warm, that takes some 50 ms; a cold disk has seconds for it.
const SCAN_POSITIONS: u64 = 50_000;
/// The coarse look at the events behind `$1` and up to `$2`, so many as `$6` says.
pub(super) const LOOK: &str = "position > $1 AND position <= $2
                AND ($3::text[] IS NULL OR event_type = ANY ($3))
                AND ($4::text IS NULL OR strpos(payload::text, $4) > 0)
                AND ($5::text IS NULL OR strpos(metadata::text, $5) > 0)";
/// How many events in memory are looked through at a time.
const RECENT_ROWS: u32 = 2_000;

/// What an event must be to be wanted: all that is said here. Nothing said lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this order.
    pub order: Option<OrderId>,
    /// Of one of these types; of any, where there is none.
    pub types: Vec<String>,
    /// Of a product, or of an order with a line of it.
    pub sku: Option<Sku>,
    /// Of one request and what it led to.
    pub correlation_id: Option<String>,
}

/// The next events that a filter lets through, in order.
#[derive(Debug)]
pub struct FilteredEvents {
    /// The events.
    pub events: Vec<Arc<StoredEvent>>,
    /// They are complete up to here.
    pub up_to: Position,
}

impl EventFilter {
    /// Whether it lets everything through.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what it asks for is looked for along the positions, and not found by a key.
    pub fn scans(&self) -> bool {
        self.order.is_none() && !self.is_everything()
    }

    /// Whether it lets an event through.
    pub fn matches(&self, event: &StoredEvent) -> bool {
        self.order.is_none_or(|order| is_of(event, order))
            && (self.types.is_empty() || self.types.iter().any(|name| *name == event.event_type))
            && self.sku.as_ref().is_none_or(|sku| names_sku(&event.payload, sku))
            && self.correlation_id.as_ref().is_none_or(|id| has_correlation(&event.metadata, id))
    }

    /// Binds what [`LOOK`] asks for.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(after.as_i64())
            .bind(up_to.as_i64())
            .bind(Some(self.types.clone()).filter(|types| !types.is_empty()))
            .bind(self.sku_text())
            .bind(self.correlation_text())
            .bind(i64::from(limit_rows))
    }

    /// What the text of a payload holds that names the sku.
    fn sku_text(&self) -> Option<String> {
        self.sku.as_ref().map(|sku| quoted(sku.as_str()))
    }

    fn correlation_text(&self) -> Option<String> {
        self.correlation_id.as_deref().map(quoted)
    }
}

impl Log {
    /// The events behind `after` that `filter` lets through, none beyond `up_to`, which the log must have reached: at
    /// most `limit_rows`, and about 4 MB.
    ///
    /// However rare they are, no statement goes through the whole log: what is answered may be nothing yet, complete up
    /// to a position before `up_to`. Where that is still `after`, the log holds nothing behind it.
    pub async fn read_filtered(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<FilteredEvents, LogError> {
        if after >= up_to {
            return Ok(FilteredEvents { events: Vec::new(), up_to: after });
        }
        let in_memory = self.is_in_memory(after);
        match filter.order {
            _ if filter.is_everything() => self.read_on(filter, after, up_to, limit_rows, limit_rows).await,
            _ if in_memory => self.look_in_memory(filter, after, up_to, limit_rows).await,
            Some(order) => self.read_order(filter, order, after, up_to, limit_rows).await,
            None => self.scan(filter, after, up_to, limit_rows).await,
        }
    }

    /// Whether the events behind `after` are in memory, as those at the end of the log are: nothing is asked of
    /// PostgreSQL for them.
    pub fn is_in_memory(&self, after: Position) -> bool {
        self.shared.recent.behind(after, 1).is_some()
    }

    /// Looks through the next events that are in memory.
    pub(super) async fn look_in_memory(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<FilteredEvents, LogError> {
        self.read_on(filter, after, up_to, RECENT_ROWS, limit_rows).await
    }

    /// Looks through the next `read_rows` events, as all readers read them.
    async fn read_on(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        read_rows: u32,
        limit_rows: u32,
    ) -> Result<FilteredEvents, LogError> {
        let wanted = u32::try_from(up_to.0 - after.0).unwrap_or(u32::MAX).min(read_rows);
        let mut events = self.read(after, wanted).await?;
        let mut reached = events.last().map_or(after, |last| last.position);
        events.retain(|event| filter.matches(event));
        if events.len() > limit_rows as usize {
            events.truncate(limit_rows as usize);
            reached = events.last().map_or(after, |last| last.position);
        }
        Ok(FilteredEvents { events, up_to: reached })
    }

    /// An order's events, found by the key of their stream, in which they stand in the order of positions.
    async fn read_order(
        &self,
        filter: &EventFilter,
        order: OrderId,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<FilteredEvents, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events
              WHERE aggregate_type = $1 AND aggregate_id = $2 AND position > $3 AND position <= $4
              ORDER BY sequence LIMIT $5"
        );
        let query = sqlx::query(&sql)
            .bind(AggregateType::Order.as_str())
            .bind(order.to_string())
            .bind(after.as_i64())
            .bind(up_to.as_i64())
            .bind(i64::from(limit_rows));
        let read = self.read_bounded(query).await?;
        Ok(filtered(filter, read, limit_rows, up_to))
    }

    async fn scan(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit_rows: u32,
    ) -> Result<FilteredEvents, LogError> {
        self.check_history()?;
        let end = scan_end(after, up_to);
        let sql = format!("SELECT {COLUMNS} FROM events WHERE {LOOK} ORDER BY position LIMIT $6");
        let read = self.read_bounded(filter.bind(sqlx::query(&sql), after, end, limit_rows)).await?;
        Ok(filtered(filter, read, limit_rows, end))
    }
}

/// Where the look of one statement ends.
pub(super) fn scan_end(after: Position, up_to: Position) -> Position {
    Position(after.0.saturating_add(SCAN_POSITIONS).min(up_to.0))
}

/// What was read up to `end`, unless the rows or the bytes of one read ended it before.
fn filtered(
    filter: &EventFilter,
    (events, is_cut): (Vec<StoredEvent>, bool),
    limit_rows: u32,
    end: Position,
) -> FilteredEvents {
    let is_cut = is_cut || events.len() >= limit_rows as usize;
    let last = events.last().map(|event| event.position).filter(|_| is_cut);
    let events = events.into_iter().filter(|event| filter.matches(event)).map(Arc::new).collect();
    FilteredEvents { events, up_to: last.unwrap_or(end) }
}

fn is_of(event: &StoredEvent, order: OrderId) -> bool {
    let mut text = Uuid::encode_buffer();
    let id: &str = order.0.as_hyphenated().encode_lower(&mut text);
    event.aggregate_type == AggregateType::Order.as_str() && *event.aggregate_id == *id
}

/// Whether a payload names the sku: a product's own, or one of a line.
fn names_sku(payload: &str, sku: &Sku) -> bool {
    // Most do not hold its text at all.
    payload.contains(&quoted(sku.as_str()))
        && serde_json::from_str(payload).is_ok_and(|payload: Value| has_sku(&payload, sku.as_str()))
}

fn has_sku(value: &Value, sku: &str) -> bool {
    match value {
        Value::Object(members) => {
            members.get("sku").and_then(Value::as_str) == Some(sku) || members.values().any(|inner| has_sku(inner, sku))
        }
        Value::Array(values) => values.iter().any(|inner| has_sku(inner, sku)),
        _ => false,
    }
}

fn has_correlation(metadata: &str, id: &str) -> bool {
    metadata.contains(&quoted(id))
        && serde_json::from_str(metadata)
            .is_ok_and(|metadata: Value| metadata.get("correlation_id").and_then(Value::as_str) == Some(id))
}

/// A text as it stands in the JSON that we write.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_named_by_its_product_and_by_lines() {
        let tea = Sku::parse("TEA").unwrap();
        let named = |payload: &str| names_sku(payload, &tea);
        assert!(named(r#"{"ProductAdded":{"sku":"TEA","name":"Tea"}}"#));
        assert!(named(r#"{"ItemAdded":{"line":{"sku":"TEA","quantity":1}}}"#));
        assert!(named(r#"{"OrderPlaced":{"lines":[{"sku":"CUP"},{"sku":"TEA"}]}}"#));
        assert!(!named(r#"{"OrderPlaced":{"lines":[{"sku":"TEA-GREEN"}]}}"#));
        assert!(!named(r#"{"ItemAdded":{"line":{"sku":"CUP","name":"TEA"}}}"#), "a name is no sku");
        assert!(!named("no JSON with \"TEA\" in it"));
    }

    #[test]
    fn a_correlation_id_is_found_as_it_stands_in_json() {
        assert!(has_correlation(r#"{"correlation_id":"r \"7\""}"#, "r \"7\""));
        assert!(!has_correlation(r#"{"correlation_id":"r-8","actor":"r-7"}"#, "r-7"));
    }
}
