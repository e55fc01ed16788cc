//! One order in all views: the rows that there are, and those that its events alone lead to.

mod expected;
mod rows;

pub use expected::{Expected, expected};
pub use rows::{TableRows, ViewRows, rows_of};

use serde_json::{Map, Value};

/// A row: its columns with what they hold, as text; JSON columns as JSON.
pub type Row = Map<String, Value>;
