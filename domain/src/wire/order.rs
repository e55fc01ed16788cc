//! Stored shapes of the events of an order.

use super::parts::{CustomerV1, CustomerV2, LineV1, MoneyV1, PartError, lines_from};
use super::{Encoded, Shape, encoded, schema};
use crate::ids::OrderNumber;
use crate::order::{
    Customer, EmailCorrected, ItemAdded, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged,
    PaymentRecorded,
};
use crate::text::PaymentReference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The versions ever written, of each type the oldest first.
pub(super) const SHAPES: &[Shape<OrderEvent>] = &[
    Shape::of(ItemAdded::TYPE, "1", schema::of::<ItemAddedV1<'_>>, |stored| {
        stored.read(|v1: ItemAddedV1<'_>| ItemAdded::try_from(v1))
    }),
    Shape::of(OrderPlaced::TYPE, "1", schema::of::<OrderPlacedV1<'_>>, |stored| {
        stored.read(|v1: OrderPlacedV1<'_>| OrderPlaced::try_from(OrderPlacedV2::from(v1)))
    }),
    Shape::of(OrderPlaced::TYPE, "2", schema::of::<OrderPlacedV2<'_>>, |stored| {
        stored.read(|v2: OrderPlacedV2<'_>| OrderPlaced::try_from(v2))
    }),
    Shape::of(PaymentRecorded::TYPE, "1", schema::of::<PaymentRecordedV1<'_>>, |stored| {
        stored.read(|v1: PaymentRecordedV1<'_>| PaymentRecorded::try_from(v1))
    }),
    Shape::of(OrderPaid::TYPE, "1", schema::of::<OrderPaidV1<'_>>, |stored| {
        stored.read(|v1: OrderPaidV1<'_>| OrderPaid::try_from(OrderPaidV2::from(v1)))
    }),
    Shape::of(OrderPaid::TYPE, "2", schema::of::<OrderPaidV2<'_>>, |stored| {
        stored.read(|v2: OrderPaidV2<'_>| OrderPaid::try_from(v2))
    }),
    Shape::of(PaymentFlagged::TYPE, "1", schema::of::<PaymentFlaggedV1<'_>>, |stored| {
        stored.read(|v1: PaymentFlaggedV1<'_>| PaymentFlagged::try_from(PaymentFlaggedV2::from(v1)))
    }),
    Shape::of(PaymentFlagged::TYPE, "2", schema::of::<PaymentFlaggedV2<'_>>, |stored| {
        stored.read(|v2: PaymentFlaggedV2<'_>| PaymentFlagged::try_from(v2))
    }),
    Shape::of(EmailCorrected::TYPE, "1", schema::of::<EmailCorrectedV1<'_>>, |stored| {
        stored.read(|v1: EmailCorrectedV1<'_>| EmailCorrected::try_from(v1))
    }),
];

pub(super) fn encode(event: &OrderEvent) -> Encoded {
    match event {
        OrderEvent::ItemAdded(event) => encoded(ItemAdded::TYPE, "1", ItemAddedV1::from(event)),
        OrderEvent::OrderPlaced(event) => encoded(OrderPlaced::TYPE, "2", OrderPlacedV2::from(event)),
        OrderEvent::PaymentRecorded(event) => encoded(PaymentRecorded::TYPE, "1", PaymentRecordedV1::from(event)),
        OrderEvent::OrderPaid(event) => encoded(OrderPaid::TYPE, "2", OrderPaidV2::from(event)),
        OrderEvent::PaymentFlagged(event) => encoded(PaymentFlagged::TYPE, "2", PaymentFlaggedV2::from(event)),
        OrderEvent::EmailCorrected(event) => encoded(EmailCorrected::TYPE, "1", EmailCorrectedV1::from(event)),
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemAddedV1<'a> {
    #[serde(borrow)]
    line: LineV1<'a>,
    /// The order's, with this line.
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

/// Every customer had an address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderPlacedV1<'a> {
    /// The short number to read out.
    number: u64,
    #[serde(borrow)]
    customer: CustomerV1<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<OrderPlacedV1<'a>> for OrderPlacedV2<'a> {
    fn from(old: OrderPlacedV1<'a>) -> Self {
        Self { number: old.number, customer: old.customer.into(), lines: old.lines, total: old.total }
    }
}

/// An address where something has to be sent.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderPlacedV2<'a> {
    /// The short number to read out.
    number: u64,
    #[serde(borrow)]
    customer: CustomerV2<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a OrderPlaced> for OrderPlacedV2<'a> {
    fn from(event: &'a OrderPlaced) -> Self {
        Self {
            number: event.number.0,
            customer: (&*event.customer).into(),
            lines: event.lines.iter().map(LineV1::from).collect(),
            total: event.total.into(),
        }
    }
}

impl TryFrom<OrderPlacedV2<'_>> for OrderPlaced {
    type Error = PartError;
    fn try_from(stored: OrderPlacedV2<'_>) -> Result<Self, PartError> {
        Ok(Self {
            number: OrderNumber(stored.number),
            customer: Arc::new(Customer::from(stored.customer)),
            lines: lines_from(stored.lines)?,
            total: stored.total.try_into()?,
        })
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PaymentRecordedV1<'a> {
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow)]
    amount: MoneyV1<'a>,
    /// All payments of the order, with this one.
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

/// Every customer had an address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderPaidV1<'a> {
    /// The short number to read out.
    number: u64,
    #[serde(borrow)]
    customer: CustomerV1<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<OrderPaidV1<'a>> for OrderPaidV2<'a> {
    fn from(old: OrderPaidV1<'a>) -> Self {
        Self { number: old.number, customer: old.customer.into(), lines: old.lines, total: old.total }
    }
}

/// An address where something has to be sent.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrderPaidV2<'a> {
    /// The short number to read out.
    number: u64,
    #[serde(borrow)]
    customer: CustomerV2<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a OrderPaid> for OrderPaidV2<'a> {
    fn from(event: &'a OrderPaid) -> Self {
        Self {
            number: event.number.0,
            customer: (&*event.customer).into(),
            lines: event.lines.iter().map(LineV1::from).collect(),
            total: event.total.into(),
        }
    }
}

impl TryFrom<OrderPaidV2<'_>> for OrderPaid {
    type Error = PartError;
    fn try_from(stored: OrderPaidV2<'_>) -> Result<Self, PartError> {
        Ok(Self {
            number: OrderNumber(stored.number),
            customer: Arc::new(Customer::from(stored.customer)),
            lines: lines_from(stored.lines)?,
            total: stored.total.try_into()?,
        })
    }
}

/// A payment that did not fit: none was taken back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PaymentFlaggedV1<'a> {
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow)]
    amount: MoneyV1<'a>,
    /// `other_amount`, `other_currency`, `above_balance` or `nothing`.
    #[serde(borrow)]
    conflict: Cow<'a, str>,
}

impl<'a> From<PaymentFlaggedV1<'a>> for PaymentFlaggedV2<'a> {
    fn from(old: PaymentFlaggedV1<'a>) -> Self {
        Self { reference: old.reference, amount: old.amount, conflict: old.conflict, payment: None }
    }
}

/// A payment that did not fit, or one that was taken back.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PaymentFlaggedV2<'a> {
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow)]
    amount: MoneyV1<'a>,
    /// `other_amount`, `other_currency`, `above_balance`, `nothing`, `refunded`, `reversed` or `denied`.
    #[serde(borrow)]
    conflict: Cow<'a, str>,
    /// The reference of the payment that was taken back.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    payment: Option<Cow<'a, str>>,
}

impl<'a> From<&'a PaymentFlagged> for PaymentFlaggedV2<'a> {
    fn from(event: &'a PaymentFlagged) -> Self {
        Self {
            reference: event.reference.as_str().into(),
            amount: event.amount.into(),
            conflict: event.conflict.as_str().into(),
            payment: event.payment.as_ref().map(|payment| payment.as_str().into()),
        }
    }
}

impl TryFrom<PaymentFlaggedV2<'_>> for PaymentFlagged {
    type Error = PartError;
    fn try_from(stored: PaymentFlaggedV2<'_>) -> Result<Self, PartError> {
        Ok(Self {
            reference: PaymentReference::stored(&stored.reference),
            amount: stored.amount.try_into()?,
            conflict: PaymentConflict::parse(&stored.conflict).ok_or(PartError::Conflict)?,
            payment: stored.payment.as_deref().map(PaymentReference::stored),
        })
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EmailCorrectedV1<'a> {
    number: u64,
    #[serde(borrow)]
    customer: CustomerV2<'a>,
    #[serde(borrow)]
    lines: Vec<LineV1<'a>>,
    #[serde(borrow)]
    total: MoneyV1<'a>,
}

impl<'a> From<&'a EmailCorrected> for EmailCorrectedV1<'a> {
    fn from(event: &'a EmailCorrected) -> Self {
        Self {
            number: event.number.0,
            customer: (&*event.customer).into(),
            lines: event.lines.iter().map(LineV1::from).collect(),
            total: event.total.into(),
        }
    }
}

impl TryFrom<EmailCorrectedV1<'_>> for EmailCorrected {
    type Error = PartError;
    fn try_from(stored: EmailCorrectedV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            number: OrderNumber(stored.number),
            customer: Arc::new(Customer::from(stored.customer)),
            lines: lines_from(stored.lines)?,
            total: stored.total.try_into()?,
        })
    }
}
