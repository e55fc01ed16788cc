//! The lines of an order: at most [`MAX_LINES`], one currency, one line per sku and price.

use crate::money::{Currency, Money, MoneyError};
use crate::quantity::Quantity;
use crate::sku::Sku;
use crate::text::ProductName;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The most lines that an order may have.
pub const MAX_LINES: usize = 500;

/// A product at the price of its day, and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    pub sku: Sku,
    /// Its name of that day.
    pub name: ProductName,
    /// Its price of that day.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
}

impl Line {
    /// Price times quantity.
    pub fn cost(&self) -> Result<Money, MoneyError> {
        self.unit_price.checked_mul(self.quantity.get())
    }

    fn merges_with(&self, other: &Line) -> bool {
        self.sku == other.sku && self.unit_price == other.unit_price
    }
}

/// Why a line can't join an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It would be one more than [`MAX_LINES`].
    #[error("an order has at most {MAX_LINES} lines")]
    TooMany,
    /// With what the order has of it already, it would be more than [`Quantity::MAX`].
    #[error("a line holds at most 9999 of a product")]
    QuantityTooLarge,
}

/// Whether `line` may join `lines`.
pub(super) fn check_line(lines: &[Line], line: &Line) -> Result<(), LineError> {
    check_join(lines.iter().find(|existing| existing.merges_with(line)), lines.len(), line)
}

/// Whether `line` may join the `same` line, or become one more than `count`.
fn check_join(same: Option<&Line>, count: usize, line: &Line) -> Result<(), LineError> {
    match same {
        Some(same) if same.quantity.get() + line.quantity.get() > Quantity::MAX => Err(LineError::QuantityTooLarge),
        None if count >= MAX_LINES => Err(LineError::TooMany),
        Some(_) | None => Ok(()),
    }
}

/// The lines of a checkout as its items come in.
///
/// All its prices are of one day, so a sku has one line. Where that stands is remembered: a body may name some hundred
/// skus tens of thousands of times, and a search for each took 100 ms.
#[derive(Default)]
pub(super) struct MergedLines {
    lines: Vec<Line>,
    line_of: HashMap<Sku, usize>,
}

impl MergedLines {
    /// Adds a line as [`merge_line`] does, if it may join.
    pub(super) fn add(&mut self, line: Line) -> Result<(), LineError> {
        let count = self.lines.len();
        let same = self.line_of.get(&line.sku).and_then(|at| self.lines.get_mut(*at));
        check_join(same.as_deref(), count, &line)?;
        match same {
            Some(same) => same.quantity = same.quantity.saturating_add(line.quantity),
            None => {
                self.line_of.insert(line.sku.clone(), count);
                self.lines.push(line);
            }
        }
        Ok(())
    }

    /// The currency of the first line.
    pub(super) fn currency(&self) -> Option<Currency> {
        self.lines.first().map(|first| first.unit_price.currency())
    }

    /// The lines, each where its sku first stood.
    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }
}

/// Adds a line: to the line of the same sku at the same price if there is one, else behind the last.
///
/// The same sku at another price is another line.
pub fn merge_line(lines: &mut Vec<Line>, line: &Line) {
    match lines.iter_mut().find(|existing| existing.merges_with(line)) {
        Some(same) => same.quantity = same.quantity.saturating_add(line.quantity),
        None => lines.push(line.clone()),
    }
}
