//! What an order's page shows of it all: how far it is, what was written about it, and where more comes from. A script
//! follows from there; without one, loading the page again shows the same.

use super::super::{Fault, Page, order_page};
use super::news::Mail;
use super::now::Now;
use crate::app::App;
use crate::problem::within;
use commands::messages::{Message, Side};
use domain::ids::OrderId;
use domain::text::MessageText;
use uuid::Uuid;

/// The variable `live` of `live.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shop) struct Panel {
    /// Where the order is followed from here.
    pub(in crate::shop) url: String,
    /// Where the form goes.
    pub(in crate::shop) action: String,
    /// What makes the form's message this one, however often it is sent.
    pub(in crate::shop) form: Uuid,
    /// The most characters of a message.
    pub(in crate::shop) max_chars: usize,
    /// Whether the payments cover the total.
    pub(in crate::shop) paid: bool,
    /// Whether the confirmation was sent.
    pub(in crate::shop) mailed: bool,
    /// Whether it could not be.
    pub(in crate::shop) mail_troubled: bool,
    /// Whether somebody has to look at a payment.
    pub(in crate::shop) needs_review: bool,
    /// What was written, in order.
    pub(in crate::shop) messages: Vec<ShownMessage>,
}

/// A message as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shop) struct ShownMessage {
    pub(in crate::shop) id: i64,
    pub(in crate::shop) from: &'static str,
    pub(in crate::shop) who: String,
    pub(in crate::shop) text: String,
    /// When, for programs.
    pub(in crate::shop) sent_at: String,
    /// When, for people.
    pub(in crate::shop) shown_at: String,
}

/// How an order is that the visitor may see.
pub(in crate::shop) async fn of(app: &App, page: &Page, order: OrderId) -> Result<Panel, Fault> {
    let now = within(Now::of(&app.live, order)).await?.ok_or(Fault::NotFound)?;
    let key = order_page::query(order_page::key(app).await?, order);
    let shown = now.shown();
    Ok(Panel {
        url: format!("/orders/{order}/live?{key}&after={}", shown.cursor()),
        action: format!("/orders/{order}/messages/?{key}"),
        form: Uuid::now_v7(),
        max_chars: MessageText::MAX_CHARS,
        paid: shown.paid,
        mailed: shown.mail == Mail::Sent,
        mail_troubled: shown.mail == Mail::Troubled,
        needs_review: shown.needs_review,
        messages: now.messages.iter().map(|message| ShownMessage::of(message, page)).collect(),
    })
}

impl ShownMessage {
    fn of(message: &Message, page: &Page) -> Self {
        let who = match message.side {
            Side::Customer => page.t("live-you"),
            Side::Staff => page.shop_name().to_owned(),
        };
        let sent_at = message.sent_at;
        Self {
            id: message.id,
            from: message.side.as_str(),
            who,
            text: message.body.clone(),
            sent_at: sent_at.to_rfc3339(),
            shown_at: sent_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        }
    }
}
