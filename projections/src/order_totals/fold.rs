//! What a batch adds to the totals.

use crate::ProjectionError;
use crate::sum::Sum;
use chrono::NaiveDate;
use domain::money::Currency;
use domain::order::{ItemAdded, Line, OrderEvent};
use domain::{Event, Money, Position, Recorded};
use sqlx::types::Uuid;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, Copy, Default)]
struct Both {
    placed: Sum,
    paid: Sum,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Placed,
    Paid,
}

impl Both {
    fn of(&mut self, kind: Kind) -> &mut Sum {
        match kind {
            Kind::Placed => &mut self.placed,
            Kind::Paid => &mut self.paid,
        }
    }
}

/// A row to add to `days`.
#[derive(Debug)]
pub(super) struct DaySums {
    pub(super) day: NaiveDate,
    pub(super) currency: Currency,
    pub(super) placed: Sum,
    pub(super) paid: Sum,
}

/// A row to add to `product_days`.
#[derive(Debug)]
pub(super) struct ProductSums<'e> {
    pub(super) sku: &'e str,
    pub(super) currency: Currency,
    pub(super) day: NaiveDate,
    pub(super) placed: Sum,
    pub(super) paid: Sum,
}

/// The sums of a batch. Ordered maps, so that rows are locked in the same order by whoever writes them.
#[derive(Debug, Default)]
pub(super) struct Sums<'e> {
    days: BTreeMap<(NaiveDate, &'static str), (Currency, Both)>,
    products: BTreeMap<(&'e str, &'static str, NaiveDate), (Currency, Both)>,
    /// The orders placed in this batch, in order.
    pub(super) placed: Vec<(Uuid, NaiveDate)>,
    /// The same, to look up.
    days_of_orders: HashMap<Uuid, NaiveDate>,
    /// Lines of orders that were not placed in this batch before them: of orders placed earlier, or of checkouts whose
    /// `OrderPlaced`, which has all lines, is still to come.
    late: HashMap<Uuid, Vec<(Position, &'e ItemAdded)>>,
}

impl<'e> Sums<'e> {
    /// Takes in an event that occurred on `day`.
    pub(super) fn take(
        &mut self,
        recorded: &'e Recorded<Event>,
        event: &'e OrderEvent,
        day: NaiveDate,
    ) -> Result<(), ProjectionError> {
        let at = recorded.position;
        let id: Uuid = recorded.aggregate_id.parse().map_err(|error| ProjectionError::unusable(at, error))?;
        match event {
            OrderEvent::ItemAdded(added) => match self.days_of_orders.get(&id).copied() {
                Some(day_of_order) => self.add_line(at, added, day_of_order),
                None => {
                    self.late.entry(id).or_default().push((at, added));
                    Ok(())
                }
            },
            OrderEvent::OrderPlaced(order) => {
                self.late.remove(&id);
                self.placed.push((id, day));
                self.days_of_orders.insert(id, day);
                self.add_order(at, Kind::Placed, day, order.total, &order.lines)
            }
            OrderEvent::OrderPaid(order) => self.add_order(at, Kind::Paid, day, order.total, &order.lines),
            OrderEvent::PaymentRecorded(_) | OrderEvent::PaymentFlagged(_) | OrderEvent::EmailCorrected(_) => Ok(()),
        }
    }

    /// The orders whose day must be looked up before [`Sums::take_late_lines`].
    pub(super) fn orders_of_late_lines(&self) -> Vec<Uuid> {
        self.late.keys().copied().collect()
    }

    /// Takes in the lines added to orders that were placed before this batch, on the days of those orders.
    pub(super) fn take_late_lines(&mut self, days: &HashMap<Uuid, NaiveDate>) -> Result<(), ProjectionError> {
        for (id, lines) in std::mem::take(&mut self.late) {
            let Some(day) = days.get(&id) else { continue };
            for (at, added) in lines {
                self.add_line(at, added, *day)?;
            }
        }
        Ok(())
    }

    fn add_order(
        &mut self,
        at: Position,
        kind: Kind,
        day: NaiveDate,
        total: Money,
        lines: &'e [Line],
    ) -> Result<(), ProjectionError> {
        self.add_to_day(at, kind, day, 1, total)?;
        lines.iter().try_for_each(|line| self.add_to_product(at, kind, day, line))
    }

    fn add_line(&mut self, at: Position, added: &'e ItemAdded, day: NaiveDate) -> Result<(), ProjectionError> {
        let cost = added.line.cost().map_err(|error| ProjectionError::unusable(at, error))?;
        self.add_to_day(at, Kind::Placed, day, 0, cost)?;
        self.add_to_product(at, Kind::Placed, day, &added.line)
    }

    fn add_to_day(
        &mut self,
        at: Position,
        kind: Kind,
        day: NaiveDate,
        orders: u32,
        revenue: Money,
    ) -> Result<(), ProjectionError> {
        let currency = revenue.currency();
        let (_, both) = self.days.entry((day, currency.code())).or_insert((currency, Both::default()));
        both.of(kind).add(orders, revenue).ok_or_else(|| too_large(at))
    }

    fn add_to_product(
        &mut self,
        at: Position,
        kind: Kind,
        day: NaiveDate,
        line: &'e Line,
    ) -> Result<(), ProjectionError> {
        let cost = line.cost().map_err(|error| ProjectionError::unusable(at, error))?;
        let currency = cost.currency();
        let key = (line.sku.as_str(), currency.code(), day);
        let (_, both) = self.products.entry(key).or_insert((currency, Both::default()));
        both.of(kind).add(line.quantity.get(), cost).ok_or_else(|| too_large(at))
    }

    /// The rows to add.
    pub(super) fn into_rows(self) -> (Vec<DaySums>, Vec<ProductSums<'e>>) {
        let day_row = |((day, _), (currency, Both { placed, paid }))| DaySums { day, currency, placed, paid };
        let product_row =
            |((sku, _, day), (currency, Both { placed, paid }))| ProductSums { sku, currency, day, placed, paid };
        (self.days.into_iter().map(day_row).collect(), self.products.into_iter().map(product_row).collect())
    }
}

fn too_large(at: Position) -> ProjectionError {
    ProjectionError::unusable(at, "the sum is too large to be held exactly")
}
