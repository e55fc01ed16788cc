//! Recording that what is still owed of an order was paid otherwise: at the counter, by transfer.

use crate::admin::texts::{text, text_with};
use crate::admin::{StaffVisit, Tone};
use crate::http::App;
use crate::problem::rejection;
use commands::{Answer, AnswerFn, CommandError, Snapshot, Submission};
use domain::ids::OrderId;
use domain::order::{Command, Order, Rejection};
use domain::text::PaymentReference;
use std::sync::Arc;

/// What came of it, and its words.
pub(super) type Outcome = (Tone, String);

/// Records the rest of an order as paid under a reference. The same reference again changes nothing.
pub(super) async fn rest<P>(app: &App, visit: &StaffVisit<P>, order: OrderId, reference: &PaymentReference) -> Outcome {
    let id = order.to_string();
    let snapshot: Arc<Snapshot<Order>> = match app.gateway.load(&id).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, "an order can't be read");
            return (Tone::Bad, text("staff-away"));
        }
    };
    let Some(placed) = snapshot.state.placed() else { return (Tone::Bad, text("staff-orders-none")) };
    if placed.payments.contains_key(reference) {
        return (Tone::Good, text("staff-orders-was-recorded"));
    }
    if snapshot.state.is_paid() {
        return (Tone::Warn, text("staff-orders-paid-before"));
    }
    let Ok(amount) = placed.balance() else { return (Tone::Bad, text("staff-away")) };
    let submission = Submission {
        id,
        command: Command::RecordPayment { reference: reference.clone(), amount },
        fresh_id: false,
        expected_version: None,
        context: visit.context(),
        key: None,
        answer: nothing(),
        admission: None,
    };
    match app.gateway.submit(submission).await {
        Ok(_) => (Tone::Good, text_with("staff-orders-recorded", &[("amount", amount.to_string().into())])),
        Err(error) => refused(&error),
    }
}

/// An answer that nobody reads.
pub(super) fn nothing() -> AnswerFn<Order> {
    Arc::new(|_: &Snapshot<Order>| Answer { status: 200, location: None, etag: None, body: String::new() })
}

/// Why a command on an order was not carried out, in words.
pub(super) fn refused(error: &CommandError<Order>) -> Outcome {
    match error {
        CommandError::Rejected { rejection: Rejection::AlreadyPaid, .. } => {
            (Tone::Warn, text("staff-orders-paid-before"))
        }
        CommandError::Rejected { rejection, .. } => (Tone::Bad, rejection.to_string()),
        CommandError::OutcomeUnknown => (Tone::Warn, text("staff-orders-unknown")),
        error => {
            let problem = rejection::problem(error, None);
            tracing::warn!(code = problem.code().as_str(), "a command of staff was not carried out");
            (Tone::Bad, text("staff-away"))
        }
    }
}
