//! Mails to the customer: the confirmation when an order is placed, the receipt when it is paid.

mod letter;
mod texts;

use crate::claim::Claim;
use crate::consumer::{Consumer, Done, Failure, Retry, Start, Wants, attempts, from_ms, to_s};
use crate::language::Lang;
use crate::mail::Letter;
use domain::Recorded;
use domain::ids::SubjectId;
use domain::order::{Customer, OrderEvent, OrderPaid, OrderPlaced};
use letter::{Content, html, text};

/// See the module.
pub struct OrderMail;

impl Consumer for OrderMail {
    type Event = OrderEvent;

    const NAME: &'static str = "order_mail";
    const START: Start = Start::Origin;
    const WANTS: Wants = Wants::types(&[OrderPlaced::TYPE, OrderPaid::TYPE]);
    // Half a day: as long as mail servers themselves keep trying before they worry people.
    const RETRY: Retry = Retry::growing(from_ms(500), to_s(900), attempts(60));

    fn recipient(&self, event: &OrderEvent) -> Option<SubjectId> {
        customer(event).map(|customer| customer.subject_id)
    }

    async fn handle(&self, event: &Recorded<OrderEvent>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        let lang = Lang::accepted(event.metadata.locale.as_deref().unwrap_or_default());
        let content = match &event.event {
            OrderEvent::OrderPlaced(placed) => Content::confirmation(lang, placed),
            OrderEvent::OrderPaid(paid) => Content::receipt(lang, paid),
            OrderEvent::ItemAdded(_) | OrderEvent::PaymentRecorded(_) | OrderEvent::PaymentFlagged(_) => {
                return Ok(Done::plainly());
            }
        };
        let Some(customer) = customer(&event.event) else { return Ok(Done::plainly()) };
        let content = content.map_err(|error| Failure::Permanent(error.to_string()))?.signed(claim.shop_name());
        let unwritten = |error: askama::Error| Failure::Permanent(format!("the mail's template: {error}"));
        let letter = Letter {
            address: customer.email.as_str(),
            name: format!("{} {}", customer.first_name.as_str(), customer.last_name.as_str()),
            subject: content.subject.clone(),
            text: text(&content).map_err(unwritten)?,
            html: html(&content).map_err(unwritten)?,
        };
        claim.send_mail(&letter).await
    }
}

fn customer(event: &OrderEvent) -> Option<&Customer> {
    match event {
        OrderEvent::OrderPlaced(placed) => Some(&placed.customer),
        OrderEvent::OrderPaid(paid) => Some(&paid.customer),
        OrderEvent::ItemAdded(_) | OrderEvent::PaymentRecorded(_) | OrderEvent::PaymentFlagged(_) => None,
    }
}
