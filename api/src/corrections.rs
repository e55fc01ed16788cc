//! Correcting the mistyped address of an order's mails: what the page of staff and `/v1` have in common around the
//! command.

use crate::app::App;
use crate::problem::{Problem, within};
use consumers::order_mail::OrderMail;
use consumers::{Consumer, parked};
use domain::ids::OrderId;
use domain::order::OrderEvent;
use domain::text::Email;
use domain::{AggregateType, Event, Position};

/// What is known of an order before its address is corrected.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// In which language its customer is written to: the mail that follows is not in that of whoever corrects.
    pub(crate) locale: Option<String>,
    /// Where its mails go.
    pub(crate) email: Option<Email>,
}

impl Before {
    /// Of an order; of one that there is not, nothing.
    pub(crate) async fn of(app: &App, order: OrderId) -> Result<Self, Problem> {
        let mut before = Self::default();
        for stored in within(app.log.read_stream(AggregateType::Order, &order.to_string(), 1)).await? {
            let recorded = stored.recorded().map_err(|error| {
                tracing::error!(%error, "an order's history can't be read");
                Problem::internal()
            })?;
            let Event::Order(event) = &recorded.event else { continue };
            match event {
                OrderEvent::OrderPlaced(placed) => {
                    before.locale.clone_from(&recorded.metadata.locale);
                    before.email = Some(placed.customer.email.clone());
                }
                OrderEvent::EmailCorrected(corrected) => before.email = Some(corrected.customer.email.clone()),
                _ => {}
            }
        }
        Ok(before)
    }

    /// Once the address is another, from the event at `position` on: mails to the one before that were not sent yet are
    /// given up, so that none of them holds up the one that follows. Failing that, the page of the order shows them,
    /// and they can be given up there: the address is corrected all the same.
    pub(crate) async fn give_up_mails(&self, app: &App, order: OrderId, now: &Email, position: Position, who: &str) {
        if self.email.as_ref() == Some(now) {
            return;
        }
        let given_up = parked::give_up_earlier(app.log.pool(), OrderMail::NAME, order, position, who).await;
        match given_up {
            Ok(0) => {}
            Ok(mails) => tracing::info!(%order, mails, "mails to a mistyped address were given up"),
            Err(error) => tracing::warn!(%order, %error, "mails to a mistyped address could not be given up"),
        }
    }
}
