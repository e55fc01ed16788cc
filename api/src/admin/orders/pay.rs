//! Recording that what is still owed of an order was paid otherwise: at the counter, by transfer.

use crate::admin::acting::{Acting, Ask, Outcome};
use crate::admin::texts::{text, text_with};
use crate::app::App;
use crate::auth::Permission;
use commands::{CommandError, Snapshot};
use domain::ids::OrderId;
use domain::order::{Command, Order, Rejection};
use domain::text::PaymentReference;
use std::sync::Arc;

/// Records the rest of an order as paid under a reference. The same reference again changes nothing.
pub(super) async fn rest<P: Permission>(
    app: &App,
    acting: &Acting<P>,
    order: OrderId,
    reference: &PaymentReference,
) -> Outcome {
    let id = order.to_string();
    let snapshot: Arc<Snapshot<Order>> = match app.gateway.load(&id).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, "an order can't be read");
            return Outcome::bad(text("staff-away"));
        }
    };
    let Some(placed) = snapshot.state.placed() else { return Outcome::bad(text("staff-orders-none")) };
    if placed.payments.contains_key(reference) {
        return Outcome::good(text("staff-orders-was-recorded"));
    }
    if snapshot.state.is_paid() {
        return Outcome::warn(text("staff-orders-paid-before"));
    }
    let Ok(amount) = placed.balance() else { return Outcome::bad(text("staff-away")) };
    let command = Command::RecordPayment { reference: reference.clone(), amount };
    match acting.carry_out::<Order>(app, Ask::on(id, command, None)).await {
        Ok(done) => {
            let recorded = text_with("staff-orders-recorded", &[("amount", amount.to_string().into())]);
            Outcome::good(recorded).at(done.position)
        }
        Err(CommandError::Rejected { rejection: Rejection::AlreadyPaid, .. }) => {
            Outcome::warn(text("staff-orders-paid-before"))
        }
        Err(error) => Outcome::refused(&error),
    }
}
