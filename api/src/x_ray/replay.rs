//! Reading an x-ray again: its events are folded, and what comes out is compared with the rows beside them. Without any
//! database.

use super::{FORMAT, VERSION, XRay};
use chrono::DateTime;
use commands::StoredEvent;
use domain::order::{Order, evolve};
use domain::{Event, Position};
use projections::x_ray::{Expected, Row, TableRows, ViewRows, expected};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The largest file that is read. An order of the most lines and a thousand payments is a tenth of it.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Something else.
    #[error("it is no x-ray of an order: {0}")]
    Foreign(String),
    /// One that a newer program wrote.
    #[error(
        "it is an x-ray of form {found}, and this program reads form {VERSION} alone: read it with the program that made it ({program})"
    )]
    OtherForm {
        /// Its form.
        found: u64,
        /// The version of that program.
        program: String,
    },
    /// It says what it is, and is not.
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
}

/// What the events came to, and what did not fit.
#[derive(Debug)]
pub struct Replayed {
    /// How many events there are.
    pub events: usize,
    /// What the order is behind the last.
    pub state: Order,
    /// The views that were compared.
    pub compared: Vec<String>,
    /// Those that were not, each with why.
    pub left_out: Vec<(String, String)>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Something that is not as the events have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The events by themselves are not what a log hands out.
    Events(String),
    /// A field of a row.
    Field {
        /// Which: `order_list.orders.total`.
        field: String,
        /// What the events lead to.
        events: String,
        /// What the row has.
        row: String,
    },
    /// A table has another number of rows.
    Rows {
        /// `order_list.orders`.
        table: String,
        /// How many the events lead to.
        events: usize,
        /// How many there are.
        rows: usize,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(what) => f.write_str(what),
            Self::Field { field, events, row } => write!(f, "{field}: the events lead to {events}, the row has {row}"),
            Self::Rows { table, events, rows } => {
                write!(f, "{table}: the events lead to {events} rows, there are {rows}")
            }
        }
    }
}

/// Reads a file.
pub fn parse(bytes: &[u8]) -> Result<XRay, FileError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        version: u64,
        #[serde(default)]
        program: String,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| FileError::Foreign(error.to_string()))?;
    if head.format != FORMAT {
        return Err(FileError::Foreign(format!("its format is another than `{FORMAT}`")));
    }
    if head.version != u64::from(VERSION) {
        return Err(FileError::OtherForm { found: head.version, program: head.program });
    }
    serde_json::from_slice(bytes).map_err(FileError::Damaged)
}

/// Folds the events and compares.
pub fn replay(file: &XRay) -> Replayed {
    let events: Vec<Arc<StoredEvent>> = file.events.iter().map(|event| event.stored()).collect();
    let mut differences = Vec::new();
    check_events(file, &mut differences);
    let mut state = Order::default();
    for stored in &events {
        match stored.recorded() {
            Ok(recorded) => {
                if let Event::Order(event) = &recorded.event {
                    state = evolve(state, event);
                }
            }
            Err(error) => differences.push(Difference::Events(error.to_string())),
        }
    }
    let (mut compared, mut left_out) = (Vec::new(), Vec::new());
    for view in &file.views {
        match expected(view, &events) {
            Ok(Expected::Rows(tables)) => {
                compared.push(view.view.clone());
                tables.iter().for_each(|table| compare_table(view, table, &mut differences));
            }
            Ok(Expected::OtherVersion { own }) => {
                let why = format!("it is of version {}, this program makes version {own}", view.version);
                left_out.push((view.view.clone(), why));
            }
            Ok(Expected::NotFolded) => {
                left_out.push((view.view.clone(), "this program can't fold it by itself".to_owned()));
            }
            Err(error) => left_out.push((view.view.clone(), error.to_string())),
        }
    }
    Replayed { events: events.len(), state, compared, left_out, differences }
}

/// Numbered without a gap, in the order of the log, all of one order.
fn check_events(file: &XRay, differences: &mut Vec<Difference>) {
    let order = file.order.to_string();
    let (mut last_position, mut last_time) = (Position::ORIGIN, None);
    for (sequence, event) in (1..).zip(&file.events) {
        let mut say = |what: String| differences.push(Difference::Events(what));
        if event.sequence != sequence {
            say(format!("events: {} stands where sequence {sequence} should", event.sequence));
        }
        if event.position <= last_position {
            say(format!("events: sequence {sequence} is at position {}, not behind the one before", event.position));
        }
        if last_time.is_some_and(|last| event.recorded_at < last) {
            say(format!("events: sequence {sequence} was recorded before the one before"));
        }
        if event.aggregate_type != "order" || event.aggregate_id != order {
            say(format!("events: sequence {sequence} is of another aggregate"));
        }
        (last_position, last_time) = (event.position, Some(event.recorded_at));
    }
}

fn compare_table(view: &ViewRows, expected: &TableRows, differences: &mut Vec<Difference>) {
    let name = format!("{}.{}", view.view, expected.table);
    let found = view.tables.iter().find(|table| table.table == expected.table);
    let rows = found.map_or(&[][..], |table| &table.rows);
    if rows.len() != expected.rows.len() {
        differences.push(Difference::Rows { table: name, events: expected.rows.len(), rows: rows.len() });
        return;
    }
    for (expected, row) in expected.rows.iter().zip(rows) {
        let columns: BTreeSet<&String> = expected.keys().chain(row.keys()).collect();
        for column in columns.into_iter().filter(|column| !is_same(expected, row, column)) {
            let shown = |row: &Row| row.get(column).map_or_else(|| "no such column".to_owned(), Value::to_string);
            let (events, row) = (shown(expected), shown(row));
            differences.push(Difference::Field { field: format!("{name}.{column}"), events, row });
        }
    }
}

/// Whether both say the same, however PostgreSQL writes it.
fn is_same(expected: &Row, row: &Row, column: &str) -> bool {
    match (expected.get(column), row.get(column)) {
        (Some(Value::String(one)), Some(Value::String(other))) => {
            one == other
                || same(one, other, |text| text.parse::<Decimal>().ok())
                || same(one, other, |text| DateTime::parse_from_rfc3339(text).ok())
        }
        (one, other) => one == other,
    }
}

fn same<T: PartialEq>(one: &str, other: &str, read: impl Fn(&str) -> Option<T>) -> bool {
    matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}
