//! What a command on an order comes to.

use super::event::{
    EmailCorrected, ItemAdded, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged, PaymentRecorded,
    Reversal,
};
use super::lines::{Line, LineError, MergedLines, check_line};
use super::{Customer, Order, Placed};
use crate::decision::Decision;
use crate::ids::OrderNumber;
use crate::money::{Currency, Money, MoneyError};
use crate::prices::Prices;
use crate::product::Status;
use crate::quantity::Quantity;
use crate::sku::Sku;
use crate::text::{Email, PaymentReference};
use std::sync::Arc;

/// What can be asked of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Place it: a whole checkout at once.
    Place(Place),
    /// Add a line to a placed order that no payment was recorded for.
    AddItem(RequestedItem),
    /// Write down a payment made elsewhere.
    RecordPayment {
        /// What the payment is known by there; unique within the order.
        reference: PaymentReference,
        /// How much was paid.
        amount: Money,
    },
    /// Take down what a payment provider says was paid. It happened: of an order that was placed it is never refused,
    /// and what does not fit is flagged.
    NotePayment {
        /// What the payment is known by at the provider; unique within the order.
        reference: PaymentReference,
        /// How much was paid.
        amount: Money,
    },
    /// Take down that a payment provider takes back what it said was paid. Of an order that was placed it is never
    /// refused, and flagged: the sums stay, and someone looks what that means for the order.
    NoteReversal {
        /// What it is known by at the provider: the same for each time that it is told.
        reference: PaymentReference,
        /// How much.
        amount: Money,
        /// In which way.
        reversal: Reversal,
        /// The payment that is taken back, where the provider names it.
        payment: Option<PaymentReference>,
    },
    /// Correct the address that mails about the order go to, which was mistyped.
    CorrectEmail {
        /// The right one.
        email: Email,
    },
}

/// A checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The number to read out, handed out before.
    pub number: OrderNumber,
    /// Who orders, and where it goes.
    pub customer: Arc<Customer>,
    /// What is ordered; the same sku twice is merged.
    pub items: Vec<RequestedItem>,
    /// The total that the customer saw, if the order is to be placed only at that.
    pub expected_total: Option<Money>,
}

/// A product and how many of it; the price is the catalogue's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedItem {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// What is wrong with one requested item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFault {
    /// Which one, counted from 0 in the order in which they were requested.
    pub index: usize,
    /// Its product.
    pub sku: Sku,
    /// What is wrong.
    pub problem: ItemProblem,
}

/// Why an item can't be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ItemProblem {
    /// No such product was ever in the catalogue.
    #[error("there is no product with this sku")]
    UnknownSku,
    /// The product is not on sale any more.
    #[error("this product is not on sale")]
    Withdrawn,
    /// Its price is in another currency than the order's.
    #[error("this product is sold in {actual}, the order is in {expected}")]
    OtherCurrency {
        /// The order's currency.
        expected: Currency,
        /// The product's.
        actual: Currency,
    },
    /// Too many lines, or too many of one product.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// Why a command on an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No order was placed under this id.
    #[error("there is no such order")]
    NotFound,
    /// An order was placed under this id before.
    #[error("an order with this id exists already")]
    AlreadyPlaced,
    /// No item at all.
    #[error("an order needs at least one item")]
    NoItems,
    /// Some items can't be ordered: all of them are named.
    #[error("some items can't be ordered")]
    Items(Vec<ItemFault>),
    /// Something in it has to be sent, and nobody said where to.
    #[error("a shipping address is needed: something in this order has to be sent")]
    AddressRequired,
    /// The total is another than the one that the customer saw.
    #[error("the total is {actual}, not {expected}")]
    TotalChanged {
        /// What the customer saw.
        expected: Money,
        /// What it is now.
        actual: Money,
    },
    /// A payment was recorded: the lines stand.
    #[error("a payment was recorded, so no item can be added")]
    PaymentRecorded,
    /// The payments cover the total.
    #[error("the order is paid")]
    AlreadyPaid,
    /// A payment of nothing.
    #[error("a payment is more than zero")]
    PaymentOfZero,
    /// Paid in another currency than the order's.
    #[error("the order is in {expected}")]
    PaymentCurrency {
        /// The order's currency.
        expected: Currency,
    },
    /// More than is still to be paid.
    #[error("only {balance} is still to be paid")]
    AboveBalance {
        /// What is still to be paid.
        balance: Money,
    },
    /// A payment with this reference but another amount was recorded.
    #[error("a payment of {recorded} was recorded with this reference")]
    ReferenceReused {
        /// What was recorded.
        recorded: Money,
    },
    /// A sum that can't be held exactly.
    #[error("the order can't be added up: {0}")]
    Money(#[from] MoneyError),
}

type OrderDecision = Decision<OrderEvent, Rejection>;

/// Decides a command on one order at the catalogue's `prices`.
pub fn decide(order: &Order, command: &Command, prices: &Prices) -> OrderDecision {
    let decided = match (order, command) {
        (Order::Empty, Command::Place(checkout)) => place(checkout, prices),
        (_, Command::Place(_)) => Err(Rejection::AlreadyPlaced),
        (Order::Empty | Order::Draft(_), _) => Err(Rejection::NotFound),
        (Order::Placed(placed), Command::AddItem(item)) => add_item(placed, item, prices),
        (Order::Paid(_), Command::AddItem(_)) => Err(Rejection::AlreadyPaid),
        (Order::Placed(placed), Command::RecordPayment { reference, amount }) => {
            return record_payment(placed, reference, *amount, |placed| pay(placed, reference, *amount));
        }
        (Order::Paid(placed), Command::RecordPayment { reference, amount }) => {
            return record_payment(placed, reference, *amount, |_| Err(Rejection::AlreadyPaid));
        }
        (Order::Placed(placed) | Order::Paid(placed), Command::NotePayment { reference, amount }) => {
            return note_payment(placed, order.is_paid(), reference, *amount);
        }
        (
            Order::Placed(placed) | Order::Paid(placed),
            Command::NoteReversal { reference, amount, reversal, payment },
        ) => return note_reversal(placed, reference, *amount, *reversal, payment.as_ref()),
        (Order::Placed(placed) | Order::Paid(placed), Command::CorrectEmail { email }) => {
            return correct_email(placed, email);
        }
    };
    decided.map_or_else(Decision::Rejected, Decision::Events)
}

fn place(checkout: &Place, prices: &Prices) -> Result<Vec<OrderEvent>, Rejection> {
    let lines = priced_lines(&checkout.items, prices)?;
    check_address(&checkout.customer, lines.iter().map(|line| &line.sku), prices)?;
    let (added, total) = lines_added(&lines)?;
    if let Some(expected) = checkout.expected_total
        && expected != total
    {
        return Err(Rejection::TotalChanged { expected, actual: total });
    }
    let lines: Arc<[Line]> = lines.into();
    let (number, customer) = (checkout.number, &checkout.customer);
    let mut events = added;
    events.push(OrderPlaced { number, customer: Arc::clone(customer), lines: Arc::clone(&lines), total }.into());
    if total.is_zero() {
        events.push(OrderPaid { number, customer: Arc::clone(customer), lines, total }.into());
    }
    Ok(events)
}

/// What has to be sent needs somewhere to be sent to.
fn check_address<'s>(
    customer: &Customer,
    mut skus: impl Iterator<Item = &'s Sku>,
    prices: &Prices,
) -> Result<(), Rejection> {
    let has_to_be_sent = |sku: &Sku| prices.listing(sku).is_some_and(|listing| listing.requires_shipping);
    let needs_address = customer.shipping_address.is_none() && skus.any(has_to_be_sent);
    if needs_address { Err(Rejection::AddressRequired) } else { Ok(()) }
}

/// The merged lines at today's prices, or the faults of all items.
fn priced_lines(items: &[RequestedItem], prices: &Prices) -> Result<Vec<Line>, Rejection> {
    let mut merged = MergedLines::default();
    let mut faults = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let line = priced_line(item, prices, merged.currency());
        if let Err(problem) = line.and_then(|line| Ok(merged.add(line)?)) {
            faults.push(ItemFault { index, sku: item.sku.clone(), problem });
        }
    }
    let lines = merged.into_lines();
    match (faults.is_empty(), lines.is_empty()) {
        (false, _) => Err(Rejection::Items(faults)),
        (true, true) => Err(Rejection::NoItems),
        (true, false) => Ok(lines),
    }
}

fn priced_line(item: &RequestedItem, prices: &Prices, currency: Option<Currency>) -> Result<Line, ItemProblem> {
    let listing = prices.listing(&item.sku).ok_or(ItemProblem::UnknownSku)?;
    if listing.status == Status::Withdrawn {
        return Err(ItemProblem::Withdrawn);
    }
    let actual = listing.price.currency();
    if let Some(expected) = currency
        && expected != actual
    {
        return Err(ItemProblem::OtherCurrency { expected, actual });
    }
    let (name, unit_price) = (listing.name.clone(), listing.price);
    Ok(Line { sku: item.sku.clone(), name, unit_price, quantity: item.quantity })
}

/// One `ItemAdded` per line with the running total, and the total.
fn lines_added(lines: &[Line]) -> Result<(Vec<OrderEvent>, Money), Rejection> {
    let currency = lines.first().ok_or(Rejection::NoItems)?.unit_price.currency();
    let mut total = Money::zero(currency);
    let mut events = Vec::with_capacity(lines.len() + 2);
    for line in lines {
        total = total.checked_add(line.cost()?)?;
        events.push(ItemAdded { line: line.clone(), total }.into());
    }
    Ok((events, total))
}

fn add_item(placed: &Placed, item: &RequestedItem, prices: &Prices) -> Result<Vec<OrderEvent>, Rejection> {
    if !placed.payments.is_empty() {
        return Err(Rejection::PaymentRecorded);
    }
    let line = priced_line(item, prices, Some(placed.total.currency()))
        .and_then(|line| Ok((check_line(&placed.lines, &line)?, line)))
        .map(|((), line)| line)
        .map_err(|problem| Rejection::Items(vec![ItemFault { index: 0, sku: item.sku.clone(), problem }]))?;
    check_address(&placed.customer, [&line.sku].into_iter(), prices)?;
    let total = placed.total.checked_add(line.cost()?)?;
    Ok(vec![ItemAdded { line, total }.into()])
}

/// A reference that was recorded before decides alone; a new one goes on to `new_payment`.
fn record_payment(
    placed: &Placed,
    reference: &PaymentReference,
    amount: Money,
    new_payment: impl FnOnce(&Placed) -> Result<Vec<OrderEvent>, Rejection>,
) -> OrderDecision {
    match placed.payments.get(reference) {
        Some(recorded) if *recorded == amount => Decision::AlreadySo,
        Some(recorded) => Decision::Rejected(Rejection::ReferenceReused { recorded: *recorded }),
        None => new_payment(placed).map_or_else(Decision::Rejected, Decision::Events),
    }
}

/// What was noted or flagged before is so already; what can be recorded is; the rest is flagged.
fn note_payment(placed: &Placed, is_paid: bool, reference: &PaymentReference, amount: Money) -> OrderDecision {
    let recorded = placed.payments.get(reference);
    if recorded == Some(&amount) || is_flagged(placed, reference, amount) {
        return Decision::AlreadySo;
    }
    let conflict = if recorded.is_some() {
        PaymentConflict::OtherAmount
    } else if amount.currency() != placed.total.currency() {
        PaymentConflict::OtherCurrency
    } else if amount.is_zero() {
        PaymentConflict::Nothing
    } else if let (false, Ok(events)) = (is_paid, pay(placed, reference, amount)) {
        return Decision::Events(events);
    } else {
        PaymentConflict::AboveBalance
    };
    Decision::Events(vec![PaymentFlagged { reference: reference.clone(), amount, conflict, payment: None }.into()])
}

/// What is denied and was never recorded has changed nothing; all else that is taken back is flagged, once.
fn note_reversal(
    placed: &Placed,
    reference: &PaymentReference,
    amount: Money,
    reversal: Reversal,
    payment: Option<&PaymentReference>,
) -> OrderDecision {
    let is_recorded = payment.is_some_and(|payment| placed.payments.contains_key(payment));
    if is_flagged(placed, reference, amount) || (reversal == Reversal::Denied && !is_recorded) {
        return Decision::AlreadySo;
    }
    let (reference, conflict, payment) = (reference.clone(), reversal.into(), payment.cloned());
    Decision::Events(vec![PaymentFlagged { reference, amount, conflict, payment }.into()])
}

fn is_flagged(placed: &Placed, reference: &PaymentReference, amount: Money) -> bool {
    placed.flagged.iter().any(|(known, of)| known == reference && *of == amount)
}

/// To the letter: somebody may well have mistyped only a case that matters to their server.
fn correct_email(placed: &Placed, email: &Email) -> OrderDecision {
    let Placed { number, customer, lines, total, .. } = placed;
    if customer.email == *email {
        return Decision::AlreadySo;
    }
    let customer = Arc::new(Customer { email: email.clone(), ..Customer::clone(customer) });
    let corrected = EmailCorrected { number: *number, customer, lines: Arc::clone(lines), total: *total };
    Decision::Events(vec![corrected.into()])
}

fn pay(placed: &Placed, reference: &PaymentReference, amount: Money) -> Result<Vec<OrderEvent>, Rejection> {
    let expected = placed.total.currency();
    if amount.currency() != expected {
        return Err(Rejection::PaymentCurrency { expected });
    }
    if amount.is_zero() {
        return Err(Rejection::PaymentOfZero);
    }
    let balance = placed.balance()?;
    if amount.amount() > balance.amount() {
        return Err(Rejection::AboveBalance { balance });
    }
    let paid_amount = placed.paid_amount.checked_add(amount)?;
    let mut events = vec![PaymentRecorded { reference: reference.clone(), amount, paid_amount }.into()];
    if paid_amount == placed.total {
        events.push(paid(placed).into());
    }
    Ok(events)
}

fn paid(placed: &Placed) -> OrderPaid {
    OrderPaid {
        number: placed.number,
        customer: Arc::clone(&placed.customer),
        lines: Arc::clone(&placed.lines),
        total: placed.total,
    }
}
