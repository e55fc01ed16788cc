//! What an order's events left.

use super::Customer;
use super::event::{EmailCorrected, OrderEvent, OrderPlaced, PaymentFlagged};
use super::lines::{Line, merge_line};
use crate::ids::OrderNumber;
use crate::money::{Money, MoneyError};
use crate::text::PaymentReference;
use rpds::HashTrieMapSync;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an order may still become. Each phase holds only what exists in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Nothing happened yet.
    #[default]
    Empty,
    /// Lines, but no customer yet: within a checkout.
    Draft(Draft),
    /// Ordered; the payments do not cover the total yet.
    Placed(Placed),
    /// The payments cover the total.
    Paid(Placed),
}

/// The lines of a checkout that is not complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Its lines so far.
    pub lines: Vec<Line>,
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The number to read out.
    pub number: OrderNumber,
    /// Who ordered, and where it goes.
    pub customer: Arc<Customer>,
    /// Its lines, priced.
    pub lines: Arc<[Line]>,
    /// The sum of the lines.
    pub total: Money,
    /// The sum of the payments.
    pub paid_amount: Money,
    /// Every payment recorded. A persistent map: copying the state of a much-paid order costs nothing.
    pub payments: HashTrieMapSync<PaymentReference, Money>,
    /// What a payment provider said, each time with the amount, that did not fit. Few, if any.
    #[serde(default)]
    pub flagged: Vec<(PaymentReference, Money)>,
}

impl Placed {
    /// What is still to be paid.
    pub fn balance(&self) -> Result<Money, MoneyError> {
        self.total.checked_sub(self.paid_amount)
    }
}

impl Order {
    /// The order once it is placed, paid or not.
    pub fn placed(&self) -> Option<&Placed> {
        match self {
            Self::Empty | Self::Draft(_) => None,
            Self::Placed(placed) | Self::Paid(placed) => Some(placed),
        }
    }

    /// Whether the payments cover the total.
    pub fn is_paid(&self) -> bool {
        matches!(self, Self::Paid(_))
    }

    /// Whether a payment provider said what does not fit, so that someone has to look.
    pub fn needs_review(&self) -> bool {
        self.placed().is_some_and(|placed| !placed.flagged.is_empty())
    }

    /// The status as clients see it; `None` before the order is placed. Payment is told apart by `paid`.
    pub fn status(&self) -> Option<&'static str> {
        self.placed().map(|_| "placed")
    }
}

/// The state after `event`.
///
/// History is what happened: nothing is refused here. An event out of its phase, which `decide` never makes, changes
/// nothing.
pub fn evolve(order: Order, event: &OrderEvent) -> Order {
    match (order, event) {
        (Order::Empty, OrderEvent::ItemAdded(added)) => Order::Draft(Draft { lines: vec![added.line.clone()] }),
        (Order::Draft(mut draft), OrderEvent::ItemAdded(added)) => {
            merge_line(&mut draft.lines, &added.line);
            Order::Draft(draft)
        }
        (Order::Draft(_), OrderEvent::OrderPlaced(placed)) => Order::Placed(Placed::from_event(placed)),
        (Order::Placed(mut placed), OrderEvent::ItemAdded(added)) => {
            let mut lines = placed.lines.to_vec();
            merge_line(&mut lines, &added.line);
            placed.lines = lines.into();
            placed.total = added.total;
            Order::Placed(placed)
        }
        (Order::Placed(mut placed), OrderEvent::PaymentRecorded(payment)) => {
            placed.payments.insert_mut(payment.reference.clone(), payment.amount);
            placed.paid_amount = payment.paid_amount;
            Order::Placed(placed)
        }
        (Order::Placed(placed), OrderEvent::OrderPaid(_)) => Order::Paid(placed),
        (Order::Placed(placed), OrderEvent::PaymentFlagged(flagged)) => Order::Placed(placed.flag(flagged)),
        (Order::Paid(placed), OrderEvent::PaymentFlagged(flagged)) => Order::Paid(placed.flag(flagged)),
        (Order::Placed(placed), OrderEvent::EmailCorrected(corrected)) => Order::Placed(placed.correct(corrected)),
        (Order::Paid(placed), OrderEvent::EmailCorrected(corrected)) => Order::Paid(placed.correct(corrected)),
        (order, _) => order,
    }
}

impl Placed {
    fn flag(mut self, flagged: &PaymentFlagged) -> Self {
        self.flagged.push((flagged.reference.clone(), flagged.amount));
        self
    }

    fn correct(mut self, corrected: &EmailCorrected) -> Self {
        self.customer = Arc::clone(&corrected.customer);
        self
    }

    fn from_event(placed: &OrderPlaced) -> Self {
        Self {
            number: placed.number,
            customer: Arc::clone(&placed.customer),
            lines: Arc::clone(&placed.lines),
            total: placed.total,
            paid_amount: Money::zero(placed.total.currency()),
            payments: HashTrieMapSync::default(),
            flagged: Vec::new(),
        }
    }
}
