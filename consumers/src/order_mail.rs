//! Mails to the customer: the confirmation when an order is placed, and when the address was mistyped and corrected;
//! the receipt when it is paid. Besides, by the schedule: either of them once more ([`again`]), and a reminder when it
//! is not paid after a day ([`reminder`]).

pub mod again;
mod history;
mod letter;
pub mod reminder;
mod texts;

use crate::claim::Claim;
use crate::consumer::{Consumer, Done, Failure, Retry, Start, Wants, attempts, from_ms, to_s};
use crate::language::Lang;
use crate::mail::Letter;
use domain::Recorded;
use domain::ids::SubjectId;
use domain::order::{Customer, EmailCorrected, OrderEvent, OrderPaid, OrderPlaced};
use letter::{Content, html, text};

/// See the module.
pub struct OrderMail;

impl Consumer for OrderMail {
    type Event = OrderEvent;

    const NAME: &'static str = "order_mail";
    const START: Start = Start::Origin;
    const WANTS: Wants = Wants::types(&[OrderPlaced::TYPE, OrderPaid::TYPE, EmailCorrected::TYPE]);
    // Half a day: as long as mail servers themselves keep trying before they worry people.
    const RETRY: Retry = Retry::growing(from_ms(500), to_s(900), attempts(60));

    fn recipient(&self, event: &OrderEvent) -> Option<SubjectId> {
        customer(event).map(|customer| customer.subject_id)
    }

    async fn handle(&self, event: &Recorded<OrderEvent>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        match letter_of(event, claim.shop_name()).map_err(Failure::Permanent)? {
            Some(letter) => claim.send_mail(&letter).await,
            None => Ok(Done::plainly()),
        }
    }
}

/// The mail about an event, in the order's language, signed by the shop; `None` where there is none. The error says,
/// without personal data, why it can't be written.
fn letter_of<'e>(event: &'e Recorded<OrderEvent>, shop_name: &str) -> Result<Option<Letter<'e>>, String> {
    let lang = Lang::accepted(event.metadata.locale.as_deref().unwrap_or_default());
    let content = match &event.event {
        OrderEvent::OrderPlaced(placed) => Content::confirmation(lang, placed),
        OrderEvent::OrderPaid(paid) => Content::receipt(lang, paid),
        OrderEvent::EmailCorrected(corrected) => Content::confirmation_anew(lang, corrected),
        OrderEvent::ItemAdded(_) | OrderEvent::PaymentRecorded(_) | OrderEvent::PaymentFlagged(_) => return Ok(None),
    };
    let Some(customer) = customer(&event.event) else { return Ok(None) };
    let content = content.map_err(|error| error.to_string())?.signed(shop_name);
    let unwritten = |error: askama::Error| format!("the mail's template: {error}");
    Ok(Some(Letter {
        address: customer.email.as_str(),
        name: full_name(customer),
        subject: content.subject.clone(),
        text: text(&content).map_err(unwritten)?,
        html: html(&content).map_err(unwritten)?,
    }))
}

fn full_name(customer: &Customer) -> String {
    format!("{} {}", customer.first_name.as_str(), customer.last_name.as_str())
}

pub(crate) fn customer(event: &OrderEvent) -> Option<&Customer> {
    match event {
        OrderEvent::OrderPlaced(placed) => Some(&placed.customer),
        OrderEvent::OrderPaid(paid) => Some(&paid.customer),
        OrderEvent::EmailCorrected(corrected) => Some(&corrected.customer),
        OrderEvent::ItemAdded(_) | OrderEvent::PaymentRecorded(_) | OrderEvent::PaymentFlagged(_) => None,
    }
}
