//! How an order is now, as the log and the tables say.

use super::Live;
use super::cursor::Cursor;
use super::news::{Mail, News};
use super::shown::{History, Shown};
use commands::LogError;
use commands::messages::{self, Message};
use consumers::Consumer;
use consumers::ledger;
use consumers::order_mail::OrderMail;
use domain::AggregateType;
use domain::ids::OrderId;

/// See the module.
pub(super) struct Now {
    order: OrderId,
    pub(super) history: History,
    pub(super) mail: Mail,
    /// All messages about it, in order.
    pub(super) messages: Vec<Message>,
}

impl Now {
    /// Looks: three short statements. `None` where no such order was placed.
    pub(super) async fn of(live: &Live, order: OrderId) -> Result<Option<Self>, LogError> {
        let events = live.log().read_stream(AggregateType::Order, &order.to_string(), 1).await?;
        let Some(history) = History::of(&events) else { return Ok(None) };
        let pool = live.log().pool();
        let states = ledger::states_of(pool, OrderMail::NAME, &[history.placed]).await?;
        let mail = Mail::of(states.first().map(|(_, state)| *state));
        let messages = messages::of_order(pool, order, 0).await?;
        Ok(Some(Self { order, history, mail, messages }))
    }

    /// What somebody has been shown who is shown all of it.
    pub(super) fn shown(&self) -> Shown {
        self.history.shown(self.mail, self.messages.last().map_or(0, |message| message.id))
    }

    /// What somebody has been shown who sends this cursor; `None` if it is none that this order gave: its history may
    /// be another one since.
    pub(super) fn shown_at(&self, cursor: Cursor) -> Option<Shown> {
        let is_known = cursor.message == 0 || self.messages.iter().any(|message| message.id == cursor.message);
        self.history.shown_at(cursor).filter(|_| is_known)
    }

    /// All of it as news.
    pub(super) fn news(&self) -> impl Iterator<Item = News> {
        let events = self.history.happened().map(|happened| News::Event(self.order, happened));
        let messages = self.messages.iter().cloned().map(News::Message);
        events.chain([News::Mail(self.order, self.mail)]).chain(messages)
    }
}
