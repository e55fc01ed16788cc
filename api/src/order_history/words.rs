//! Events of an order in words: a sentence each, the same wherever an order's history is shown.

use crate::admin::texts::{text, text_with};
use consumers::language::Lang;
use consumers::money;
use domain::Money;
use domain::order::{OrderEvent, PaymentConflict};

/// What happened, as one sentence.
pub(crate) fn words(event: &OrderEvent) -> String {
    match event {
        OrderEvent::ItemAdded(added) => {
            let name = format!("{} × {}", added.line.quantity.get(), added.line.name);
            text_with("staff-happened-item", &[("name", name.into())])
        }
        OrderEvent::OrderPlaced(placed) => {
            text_with("staff-happened-placed", &[("total", amount(placed.total).into())])
        }
        OrderEvent::PaymentRecorded(paid) => {
            text_with("staff-happened-payment", &[("amount", amount(paid.amount).into())])
        }
        OrderEvent::OrderPaid(_) => text("staff-happened-paid"),
        OrderEvent::PaymentFlagged(flagged) => {
            let why = conflict(flagged.conflict);
            text_with("staff-happened-flagged", &[("amount", amount(flagged.amount).into()), ("why", why.into())])
        }
        OrderEvent::EmailCorrected(corrected) => {
            text_with("staff-happened-email", &[("email", corrected.customer.email.as_str().into())])
        }
    }
}

/// Why what a payment provider says does not fit.
pub(crate) fn conflict(conflict: PaymentConflict) -> String {
    text(match conflict {
        PaymentConflict::OtherAmount => "staff-conflict-other-amount",
        PaymentConflict::OtherCurrency => "staff-conflict-other-currency",
        PaymentConflict::AboveBalance => "staff-conflict-above-balance",
        PaymentConflict::Nothing => "staff-conflict-nothing",
        PaymentConflict::Refunded => "staff-conflict-refunded",
        PaymentConflict::Reversed => "staff-conflict-reversed",
        PaymentConflict::Denied => "staff-conflict-denied",
    })
}

fn amount(money: Money) -> String {
    money::shown(money, Lang::En)
}
