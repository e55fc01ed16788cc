//! What can have happened to an order.

use super::{Customer, Line};
use crate::ids::OrderNumber;
use crate::money::Money;
use crate::text::PaymentReference;
use std::sync::Arc;

/// A fact about one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderEvent {
    /// A line was added: at checkout before [`OrderEvent::OrderPlaced`], or later.
    ItemAdded(ItemAdded),
    /// The checkout is complete.
    OrderPlaced(OrderPlaced),
    /// A payment made elsewhere was written down.
    PaymentRecorded(PaymentRecorded),
    /// The payments cover the total. At most once per order.
    OrderPaid(OrderPaid),
}

/// See [`OrderEvent::ItemAdded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemAdded {
    /// What was added, at its price of the day.
    pub line: Line,
    /// The order's total with this line.
    pub total: Money,
}

/// See [`OrderEvent::OrderPlaced`]. A full snapshot, so that no reader pieces a cart together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlaced {
    /// The number to read out.
    pub number: OrderNumber,
    /// Who ordered, and where it goes.
    pub customer: Arc<Customer>,
    /// All lines, priced.
    pub lines: Arc<[Line]>,
    /// The sum of the lines.
    pub total: Money,
}

/// See [`OrderEvent::PaymentRecorded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecorded {
    /// What the payment is known by where it was made; unique within the order.
    pub reference: PaymentReference,
    /// How much.
    pub amount: Money,
    /// The sum of the order's payments with this one.
    pub paid_amount: Money,
}

/// See [`OrderEvent::OrderPaid`]. A full snapshot, as items may have come since the order was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPaid {
    /// The number to read out.
    pub number: OrderNumber,
    /// Who ordered.
    pub customer: Arc<Customer>,
    /// All lines, priced, as they were paid.
    pub lines: Arc<[Line]>,
    /// What was to be paid, and is.
    pub total: Money,
}

crate::event::event_types!(OrderEvent { ItemAdded, OrderPlaced, PaymentRecorded, OrderPaid });
