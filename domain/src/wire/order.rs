//! Stored shapes of the events of an order.

use super::parts::{CustomerV1, LineV1, MoneyV1, PartError, lines_from};
use super::{Encoded, StoredShape, WireError, encoded};
use crate::event::AggregateType;
use crate::ids::OrderNumber;
use crate::order::{Customer, ItemAdded, OrderEvent, OrderPaid, OrderPlaced, PaymentRecorded};
use crate::text::PaymentReference;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The version in which each type is written today.
pub(super) const CURRENT: &[(&str, &str)] =
    &[(ItemAdded::TYPE, "1"), (OrderPlaced::TYPE, "1"), (PaymentRecorded::TYPE, "1"), (OrderPaid::TYPE, "1")];

pub(super) fn encode(event: &OrderEvent) -> Encoded {
    match event {
        OrderEvent::ItemAdded(event) => encoded(ItemAdded::TYPE, "1", ItemAddedV1::from(event)),
        OrderEvent::OrderPlaced(event) => encoded(OrderPlaced::TYPE, "1", OrderPlacedV1::from(event)),
        OrderEvent::PaymentRecorded(event) => encoded(PaymentRecorded::TYPE, "1", PaymentRecordedV1::from(event)),
        OrderEvent::OrderPaid(event) => encoded(OrderPaid::TYPE, "1", OrderPaidV1::from(event)),
    }
}

pub(super) fn decode(stored: &StoredShape<'_>) -> Result<OrderEvent, WireError> {
    let event = match (stored.event_type, stored.event_version) {
        (ItemAdded::TYPE, "1") => ItemAdded::try_from(stored.read::<ItemAddedV1<'_>>()?).map(OrderEvent::from),
        (OrderPlaced::TYPE, "1") => OrderPlaced::try_from(stored.read::<OrderPlacedV1<'_>>()?).map(OrderEvent::from),
        (PaymentRecorded::TYPE, "1") => {
            PaymentRecorded::try_from(stored.read::<PaymentRecordedV1<'_>>()?).map(OrderEvent::from)
        }
        (OrderPaid::TYPE, "1") => OrderPaid::try_from(stored.read::<OrderPaidV1<'_>>()?).map(OrderEvent::from),
        _ => return Err(stored.unknown(AggregateType::Order, OrderEvent::TYPES)),
    };
    event.map_err(|fault| stored.malformed(&fault))
}

#[derive(Serialize, Deserialize)]
struct ItemAddedV1<'a> {
    #[serde(borrow)]
    line: LineV1<'a>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a ItemAdded> for ItemAddedV1<'a> {
    fn from(event: &'a ItemAdded) -> Self {
        Self { line: (&event.line).into(), total: event.total.into() }
    }
}

impl TryFrom<ItemAddedV1<'_>> for ItemAdded {
    type Error = PartError;
    fn try_from(stored: ItemAddedV1<'_>) -> Result<Self, PartError> {
        Ok(Self { line: stored.line.try_into()?, total: stored.total.try_into()? })
    }
}

#[derive(Serialize, Deserialize)]
struct OrderPlacedV1<'a> {
    number: u64,
    #[serde(borrow)]
    customer: CustomerV1<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a OrderPlaced> for OrderPlacedV1<'a> {
    fn from(event: &'a OrderPlaced) -> Self {
        Self {
            number: event.number.0,
            customer: (&*event.customer).into(),
            lines: event.lines.iter().map(LineV1::from).collect(),
            total: event.total.into(),
        }
    }
}

impl TryFrom<OrderPlacedV1<'_>> for OrderPlaced {
    type Error = PartError;
    fn try_from(stored: OrderPlacedV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            number: OrderNumber(stored.number),
            customer: Arc::new(Customer::from(stored.customer)),
            lines: lines_from(stored.lines)?,
            total: stored.total.try_into()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PaymentRecordedV1<'a> {
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow)]
    amount: MoneyV1<'a>,
    #[serde(borrow)]
    paid_amount: MoneyV1<'a>,
}

impl<'a> From<&'a PaymentRecorded> for PaymentRecordedV1<'a> {
    fn from(event: &'a PaymentRecorded) -> Self {
        Self {
            reference: event.reference.as_str().into(),
            amount: event.amount.into(),
            paid_amount: event.paid_amount.into(),
        }
    }
}

impl TryFrom<PaymentRecordedV1<'_>> for PaymentRecorded {
    type Error = PartError;
    fn try_from(stored: PaymentRecordedV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            reference: PaymentReference::stored(&stored.reference),
            amount: stored.amount.try_into()?,
            paid_amount: stored.paid_amount.try_into()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct OrderPaidV1<'a> {
    number: u64,
    #[serde(borrow)]
    customer: CustomerV1<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a OrderPaid> for OrderPaidV1<'a> {
    fn from(event: &'a OrderPaid) -> Self {
        Self {
            number: event.number.0,
            customer: (&*event.customer).into(),
            lines: event.lines.iter().map(LineV1::from).collect(),
            total: event.total.into(),
        }
    }
}

impl TryFrom<OrderPaidV1<'_>> for OrderPaid {
    type Error = PartError;
    fn try_from(stored: OrderPaidV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            number: OrderNumber(stored.number),
            customer: Arc::new(Customer::from(stored.customer)),
            lines: lines_from(stored.lines)?,
            total: stored.total.try_into()?,
        })
    }
}
