//! What needs a person: effects that are parked, or of unknown outcome; and what waits, where that is asked for.
//!
//! - [`list`]: all, by a filter. [`item`]: one, with all that is known of it.
//! - [`asked`]: which are meant. [`row`]: one in a table, also on the board.

pub(super) mod asked;
pub(super) mod item;
pub(super) mod list;
mod row;

pub(super) use row::Row;

/// Where all are.
pub(super) const PATH: &str = "/ops/parked/";

/// Where one is.
pub(super) fn path(id: i64) -> String {
    format!("{PATH}{id}/")
}
