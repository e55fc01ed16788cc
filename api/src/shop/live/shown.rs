//! What one browser has been shown of an order: news that it knows already changes nothing, so that it is told all
//! once, whichever way news reaches it.

use super::cursor::Cursor;
use super::news::{Change, Happened, Mail, News};
use commands::StoredEvent;
use domain::Position;
use domain::ids::EventId;
use std::sync::Arc;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    sequence: u64,
    position: Position,
    /// Whether the payments cover the total.
    pub(super) paid: bool,
    /// Whether somebody has to look at a payment.
    pub(super) needs_review: bool,
    /// What became of the confirmation.
    pub(super) mail: Mail,
    message: i64,
}

/// An order's history as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    /// Its events, in order.
    happened: Vec<Happened>,
    /// The event that the confirmation is sent for.
    pub(super) placed: EventId,
    placed_at: Position,
}

impl History {
    /// Of the order's events; `None` before it is placed.
    pub(super) fn of(events: &[Arc<StoredEvent>]) -> Option<Self> {
        let happened: Vec<Happened> = events.iter().map(|event| Happened::of(event)).collect();
        let placed = happened.iter().position(|happened| happened.change == Change::Placed)?;
        let (placed, placed_at) = (events.get(placed)?.event_id, happened.get(placed)?.position);
        Some(Self { happened, placed, placed_at })
    }

    /// All of it as it is now.
    pub(super) fn shown(&self, mail: Mail, message: i64) -> Shown {
        self.shown_until(Position(u64::MAX), mail, message)
    }

    /// What somebody has been shown who sends this cursor; `None` if this order never gave it.
    pub(super) fn shown_at(&self, cursor: Cursor) -> Option<Shown> {
        let last = self.happened.last()?.position;
        let is_ours = (self.placed_at..=last).contains(&cursor.position);
        is_ours.then(|| self.shown_until(cursor.position, cursor.mail, cursor.message))
    }

    fn shown_until(&self, position: Position, mail: Mail, message: i64) -> Shown {
        let nothing = Shown::beginning(Cursor { position: Position::ORIGIN, message, mail });
        let told = self.happened.iter().filter(|happened| happened.position <= position);
        told.fold(nothing, |mut shown, happened| {
            shown.take_event(*happened);
            shown
        })
    }

    /// The events, in order.
    pub(super) fn happened(&self) -> impl Iterator<Item = Happened> + '_ {
        self.happened.iter().copied()
    }
}

impl Shown {
    /// Of somebody who was told what the cursor says, and none of the order's events.
    pub(super) fn beginning(cursor: Cursor) -> Self {
        let Cursor { position, message, mail } = cursor;
        Self { sequence: 0, position, paid: false, needs_review: false, mail, message }
    }

    /// Takes in news. Says whether it is new to this browser.
    pub(super) fn take(&mut self, news: &News) -> bool {
        match news {
            News::Event(_, happened) => self.take_event(*happened),
            News::Mail(_, mail) => self.take_mail(*mail),
            News::Message(message) => self.take_message(message.id),
        }
    }

    /// Takes in an event.
    pub(super) fn take_event(&mut self, happened: Happened) -> bool {
        if happened.sequence <= self.sequence {
            return false;
        }
        (self.sequence, self.position) = (happened.sequence, happened.position);
        match happened.change {
            Change::Paid => self.paid = true,
            Change::NeedsReview => self.needs_review = true,
            Change::Placed | Change::Other => {}
        }
        true
    }

    /// Takes in what became of the mail. What was sent stays sent.
    pub(super) fn take_mail(&mut self, mail: Mail) -> bool {
        let is_new = self.mail != Mail::Sent && self.mail != mail;
        if is_new {
            self.mail = mail;
        }
        is_new
    }

    fn take_message(&mut self, id: i64) -> bool {
        let is_new = id > self.message;
        self.message = self.message.max(id);
        is_new
    }

    /// What the browser sends when it comes again.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { position: self.position, message: self.message, mail: self.mail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use commands::messages::{Message, Side};
    use domain::ids::OrderId;
    use uuid::Uuid;

    const ORDER: OrderId = OrderId(Uuid::from_u128(1));

    fn happened(sequence: u64, position: u64, change: Change) -> Happened {
        Happened { sequence, position: Position(position), change }
    }

    /// Placed at 12, paid at 30.
    fn history() -> History {
        let happened = vec![
            happened(1, 11, Change::Other),
            happened(2, 12, Change::Placed),
            happened(3, 29, Change::Other),
            happened(4, 30, Change::Paid),
        ];
        History { happened, placed: EventId(Uuid::from_u128(2)), placed_at: Position(12) }
    }

    fn message(id: i64) -> News {
        let (body, sent_at) = ("Hello".to_owned(), DateTime::UNIX_EPOCH);
        News::Message(Message { id, order: ORDER, side: Side::Staff, body, sent_at })
    }

    #[test]
    fn nothing_is_told_twice() {
        let mut shown = history().shown(Mail::Awaited, 5);
        assert!(shown.paid && !shown.needs_review);
        assert!(!shown.take(&News::Event(ORDER, happened(4, 30, Change::Paid))));
        assert!(shown.take(&News::Event(ORDER, happened(5, 33, Change::NeedsReview))));
        assert!(!shown.take(&message(5)));
        assert!(shown.take(&message(6)));
        assert!(shown.take(&News::Mail(ORDER, Mail::Sent)));
        for late in [Mail::Awaited, Mail::Troubled, Mail::Sent] {
            assert!(!shown.take(&News::Mail(ORDER, late)), "what was sent stays sent");
        }
        assert_eq!(shown.cursor().to_string(), "33.6.sent");
    }

    #[test]
    fn whoever_comes_again_goes_on_where_it_was() {
        let at = |position| Cursor { position: Position(position), message: 3, mail: Mail::Troubled };
        let shown = history().shown_at(at(12)).unwrap();
        assert_eq!((shown.paid, shown.cursor()), (false, at(12)));
        let mut going_on = shown;
        let missed: Vec<_> = history().happened().filter(|happened| going_on.take_event(*happened)).collect();
        assert_eq!(missed, history().happened().skip(2).collect::<Vec<_>>());
        assert_eq!(going_on, history().shown(Mail::Troubled, 3));
        for foreign in [0, 11, 31] {
            assert_eq!(history().shown_at(at(foreign)), None, "{foreign}");
        }
    }
}
