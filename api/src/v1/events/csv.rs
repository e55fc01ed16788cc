//! The history as a table, its columns those of [`columns`](super::columns). What an event has not is empty, and all
//! else is exact, unless a spreadsheet is to read it.

use super::columns::{NAMES, Row};
use super::line::LineError;
use crate::csv::{Reader, line};
use crate::v1::time;
use commands::StoredEvent;
use std::fmt::Display;

/// Appends the line that names the columns.
pub(crate) fn write_head(out: &mut String, reader: Reader) {
    line(out, reader, NAMES);
}

/// Appends the line of an event.
pub(crate) fn write(out: &mut String, reader: Reader, event: &StoredEvent) -> Result<(), LineError> {
    let row = Row::of(event)?;
    let cells: [&str; NAMES.len()] = [
        &row.position.to_string(),
        &row.event_id.to_string(),
        row.event_type,
        row.version,
        row.aggregate_type,
        row.aggregate_id,
        &row.sequence.to_string(),
        &time::text(row.recorded_at),
        &row.occurred_at.map(time::text).unwrap_or_default(),
        row.actor.as_deref().unwrap_or_default(),
        row.correlation_id.as_deref().unwrap_or_default(),
        &shown(row.order_number),
        &shown(row.subject_id),
        row.sku.as_deref().unwrap_or_default(),
        &shown(row.quantity),
        &shown(row.unit_price),
        &shown(row.amount),
        &shown(row.total),
        row.currency.as_deref().unwrap_or_default(),
        row.data,
        row.metadata,
    ];
    line(out, reader, cells);
    Ok(())
}

fn shown(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
