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
    /// A payment provider says that it was paid, or paid back, and that does not fit: someone has to look at it.
    PaymentFlagged(PaymentFlagged),
    /// The address that mails about the order go to was mistyped, and is another one now.
    EmailCorrected(EmailCorrected),
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

/// See [`OrderEvent::PaymentFlagged`]. It counts in no sum: whoever looks at it settles it with the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFlagged {
    /// What the payment, or what took it back, is known by at the provider.
    pub reference: PaymentReference,
    /// How much, as the provider says.
    pub amount: Money,
    /// Why it does not fit.
    pub conflict: PaymentConflict,
    /// The payment that was taken back, where that is what happened and the provider names it.
    pub payment: Option<PaymentReference>,
}

/// How a payment provider takes back what it said was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reversal {
    /// It was given back to the customer, by us or in our name.
    Refunded,
    /// The provider took it back.
    Reversed,
    /// It never came: the provider refuses it after all.
    Denied,
}

/// See [`OrderEvent::EmailCorrected`]. A full snapshot, so that the order can be confirmed to the new address by this
/// alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailCorrected {
    /// The number to read out.
    pub number: OrderNumber,
    /// Who ordered, with the address as it is now.
    pub customer: Arc<Customer>,
    /// All lines, priced, as they are now.
    pub lines: Arc<[Line]>,
    /// The sum of the lines.
    pub total: Money,
}

/// Why what a payment provider says does not fit the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentConflict {
    /// A payment of another amount was recorded with this reference.
    OtherAmount,
    /// It is in another currency than the order.
    OtherCurrency,
    /// It is more than what was still to be paid; of a paid order anything is.
    AboveBalance,
    /// It is a payment of nothing.
    Nothing,
    /// It was given back to the customer.
    Refunded,
    /// The provider took it back.
    Reversed,
    /// The provider refuses it after it was recorded.
    Denied,
}

impl From<Reversal> for PaymentConflict {
    fn from(reversal: Reversal) -> Self {
        match reversal {
            Reversal::Refunded => Self::Refunded,
            Reversal::Reversed => Self::Reversed,
            Reversal::Denied => Self::Denied,
        }
    }
}

impl PaymentConflict {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OtherAmount,
        Self::OtherCurrency,
        Self::AboveBalance,
        Self::Nothing,
        Self::Refunded,
        Self::Reversed,
        Self::Denied,
    ];

    /// Whether money that was paid, or was said to be, is taken back.
    pub const fn is_reversal(self) -> bool {
        matches!(self, Self::Refunded | Self::Reversed | Self::Denied)
    }

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherAmount => "other_amount",
            Self::OtherCurrency => "other_currency",
            Self::AboveBalance => "above_balance",
            Self::Nothing => "nothing",
            Self::Refunded => "refunded",
            Self::Reversed => "reversed",
            Self::Denied => "denied",
        }
    }

    /// The conflict of a text; `None` for one that stands for none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|conflict| conflict.as_str() == text)
    }
}

crate::event::event_types!(OrderEvent {
    ItemAdded,
    OrderPlaced,
    PaymentRecorded,
    OrderPaid,
    PaymentFlagged,
    EmailCorrected,
});
