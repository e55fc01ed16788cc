//! What there is to tell of an order.

use commands::StoredEvent;
use commands::messages::Message;
use consumers::ledger::State;
use domain::Position;
use domain::ids::OrderId;
use domain::order::{OrderPaid, OrderPlaced, PaymentFlagged};

/// Something that happened, for all who watch the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// An event of the log.
    Event(OrderId, Happened),
    /// The confirmation by mail is in another state.
    Mail(OrderId, Mail),
    /// Somebody wrote about the order.
    Message(Message),
}

/// An event, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// Its place within the order.
    pub sequence: u64,
    /// Its place in the log.
    pub position: Position,
    /// What it means to the customer.
    pub change: Change,
}

/// What an event means to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The order was placed.
    Placed,
    /// It is paid.
    Paid,
    /// Somebody has to look at a payment.
    NeedsReview,
    /// Nothing that is shown while it happens.
    Other,
}

impl Happened {
    /// Of an event of an order. Its type says enough, so it need not be decoded; one that a newer program wrote is
    /// passed over.
    pub(super) fn of(event: &StoredEvent) -> Self {
        let change = match &*event.event_type {
            OrderPlaced::TYPE => Change::Placed,
            OrderPaid::TYPE => Change::Paid,
            PaymentFlagged::TYPE => Change::NeedsReview,
            _ => Change::Other,
        };
        Self { sequence: event.sequence, position: event.position, change }
    }
}

/// What became of the confirmation by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// It is on its way to being sent.
    Awaited,
    /// It was sent.
    Sent,
    /// It could not be sent, or nobody can tell: a person looks at it.
    Troubled,
}

impl Mail {
    const ALL: [Self; 3] = [Self::Awaited, Self::Sent, Self::Troubled];

    /// Of the state in the consumers' ledger; `None` before it is noted there.
    pub fn of(state: Option<State>) -> Self {
        match state {
            None | Some(State::Claimed | State::Sending | State::Waiting) => Self::Awaited,
            Some(State::Sent) => Self::Sent,
            Some(State::Parked | State::Unknown | State::Discarded) => Self::Troubled,
        }
    }

    /// As browsers are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Sent => "sent",
            Self::Troubled => "troubled",
        }
    }

    /// The state of a text; `None` for one that stands for none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mail| mail.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_sent_or_awaited_or_a_person_looks_at_it() {
        assert_eq!(Mail::of(None), Mail::Awaited);
        let sent: Vec<State> = State::ALL.into_iter().filter(|state| Mail::of(Some(*state)) == Mail::Sent).collect();
        assert_eq!(sent, [State::Sent]);
        assert_eq!(Mail::of(Some(State::Unknown)), Mail::Troubled, "never told as sent");
        for mail in Mail::ALL {
            assert_eq!(Mail::parse(mail.as_str()), Some(mail));
        }
        assert_eq!(Mail::parse("SENT"), None);
    }
}
