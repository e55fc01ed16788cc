//! What a batch changes in the list: one change per order, whatever happened to it.

use super::row::items_json;
use crate::ProjectionError;
use chrono::{DateTime, Utc};
use domain::order::{Customer, Line, OrderEvent, OrderPlaced, ShippingAddress, merge_line};
use domain::text::Email;
use domain::{Event, Money, Position, Recorded};
use sqlx::types::Uuid;
use std::collections::HashMap;

/// What happened to an order after it was placed.
#[derive(Debug)]
pub(super) struct Change<'e> {
    /// Lines added, in order.
    added: Vec<&'e Line>,
    pub(super) total: Option<Money>,
    pub(super) paid_amount: Option<Money>,
    pub(super) paid: bool,
    pub(super) flagged: bool,
    /// Where mails go now, if that was corrected.
    pub(super) email: Option<&'e Email>,
    pub(super) version: u64,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) position: Position,
}

impl<'e> Change<'e> {
    fn at(recorded: &Recorded<Event>) -> Self {
        Self {
            added: Vec::new(),
            total: None,
            paid_amount: None,
            paid: false,
            flagged: false,
            email: None,
            version: recorded.sequence,
            updated_at: recorded.metadata.occurred_at,
            position: recorded.position,
        }
    }

    fn take(&mut self, recorded: &Recorded<Event>, event: &'e OrderEvent) {
        match event {
            OrderEvent::ItemAdded(added) => {
                self.added.push(&added.line);
                self.total = Some(added.total);
            }
            OrderEvent::OrderPlaced(_) => {}
            OrderEvent::PaymentRecorded(payment) => self.paid_amount = Some(payment.paid_amount),
            OrderEvent::OrderPaid(_) => self.paid = true,
            OrderEvent::PaymentFlagged(_) => self.flagged = true,
            OrderEvent::EmailCorrected(corrected) => self.email = Some(&corrected.customer.email),
        }
        self.version = recorded.sequence;
        self.updated_at = recorded.metadata.occurred_at;
        self.position = recorded.position;
    }

    /// `lines` with those that were added, as JSON.
    fn items(&self, lines: &[Line]) -> Result<String, ProjectionError> {
        let json = if self.added.is_empty() {
            items_json(lines)
        } else {
            let mut lines = lines.to_vec();
            self.added.iter().for_each(|line| merge_line(&mut lines, line));
            items_json(&lines)
        };
        json.map_err(|error| ProjectionError::unusable(self.position, error))
    }
}

/// An order placed in the batch, with what happened to it since.
#[derive(Debug)]
pub(super) struct NewOrder<'e> {
    pub(super) id: Uuid,
    pub(super) placed: &'e OrderPlaced,
    pub(super) placed_at: DateTime<Utc>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) position: Position,
    pub(super) change: Change<'e>,
    pub(super) items: String,
}

impl NewOrder<'_> {
    pub(super) fn customer(&self) -> &Customer {
        &self.placed.customer
    }

    pub(super) fn ships_to(&self) -> Option<&ShippingAddress> {
        self.placed.customer.shipping_address.as_ref()
    }

    pub(super) fn email(&self) -> &Email {
        self.change.email.unwrap_or(&self.placed.customer.email)
    }

    pub(super) fn total(&self) -> Money {
        self.change.total.unwrap_or(self.placed.total)
    }

    pub(super) fn paid_amount(&self) -> Money {
        self.change.paid_amount.unwrap_or_else(|| Money::zero(self.placed.total.currency()))
    }
}

/// A changed order that was placed earlier: its id, what happened, and its lines as JSON if they are others now.
type Changed<'e> = (Uuid, Change<'e>, Option<String>);

/// What a batch changes.
#[derive(Debug, Default)]
pub(super) struct Changes<'e> {
    /// In the order of placing.
    new_orders: Vec<NewOrder<'e>>,
    new_order_index: HashMap<Uuid, usize>,
    /// Of orders that were not placed in this batch before: placed in an earlier one, or checkouts whose `OrderPlaced`,
    /// which has all lines, is still to come.
    others: HashMap<Uuid, Change<'e>>,
}

impl<'e> Changes<'e> {
    pub(super) fn take(&mut self, recorded: &'e Recorded<Event>, event: &'e OrderEvent) -> Result<(), ProjectionError> {
        let at = recorded.position;
        let id: Uuid = recorded.aggregate_id.parse().map_err(|error| ProjectionError::unusable(at, error))?;
        if let OrderEvent::OrderPlaced(placed) = event {
            self.others.remove(&id);
            self.new_order_index.insert(id, self.new_orders.len());
            self.new_orders.push(NewOrder {
                id,
                placed,
                placed_at: recorded.metadata.occurred_at,
                recorded_at: recorded.recorded_at,
                position: at,
                change: Change::at(recorded),
                items: String::new(),
            });
            return Ok(());
        }
        match self.new_order_index.get(&id).and_then(|index| self.new_orders.get_mut(*index)) {
            Some(order) => order.change.take(recorded, event),
            None => self.others.entry(id).or_insert_with(|| Change::at(recorded)).take(recorded, event),
        }
        Ok(())
    }

    /// The orders whose lines must be known for [`Changes::into_rows`].
    pub(super) fn orders_with_late_lines(&self) -> Vec<Uuid> {
        self.others.iter().filter(|(_, change)| !change.added.is_empty()).map(|(id, _)| *id).collect()
    }

    /// The rows to insert and those to update, given the lines of the orders that others were added to.
    pub(super) fn into_rows(
        self,
        lines: &HashMap<Uuid, Vec<Line>>,
    ) -> Result<(Vec<NewOrder<'e>>, Vec<Changed<'e>>), ProjectionError> {
        let mut new_orders = self.new_orders;
        for order in &mut new_orders {
            order.items = order.change.items(&order.placed.lines)?;
        }
        let mut changed = Vec::with_capacity(self.others.len());
        for (id, change) in self.others {
            if change.added.is_empty() {
                changed.push((id, change, None));
            } else if let Some(lines) = lines.get(&id) {
                let items = change.items(lines)?;
                changed.push((id, change, Some(items)));
            }
        }
        Ok((new_orders, changed))
    }
}

/// How far the times of a batch's events are from those at which they were recorded; see `clock_distance`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ClockDistance {
    pub(super) ahead_us: i64,
    pub(super) behind_us: i64,
}

impl ClockDistance {
    pub(super) fn of(batch: &[&Recorded<Event>]) -> Self {
        batch.iter().fold(Self::default(), |widest, recorded| {
            let occurred_us = recorded.metadata.occurred_at.timestamp_micros();
            let ahead_us = occurred_us.saturating_sub(recorded.recorded_at.timestamp_micros());
            Self { ahead_us: widest.ahead_us.max(ahead_us), behind_us: widest.behind_us.max(ahead_us.saturating_neg()) }
        })
    }
}
