//! What the log says of one order, for mails that no event of this moment calls for.

use crate::consumer::FromEvent;
use commands::schedule::Failure;
use commands::{Log, LogError};
use domain::order::{Order, OrderEvent, evolve};
use domain::{AggregateType, Recorded};

/// An order, and the events that led to it.
pub(super) struct History {
    pub order: Order,
    events: Vec<Recorded<OrderEvent>>,
}

impl History {
    /// Reads an order's events.
    pub(super) async fn load(log: &Log, id: &str) -> Result<Self, Failure> {
        let mut history = Self { order: Order::default(), events: Vec::new() };
        for stored in log.read_stream(AggregateType::Order, id, 1).await.map_err(unread)? {
            let recorded = stored.recorded().map_err(|error| Failure::Permanent(error.to_string()))?;
            if let Some(event) = recorded.clone().filter_map(OrderEvent::from_event) {
                history.order = evolve(history.order, &event.event);
                history.events.push(event);
            }
        }
        Ok(history)
    }

    /// The first event that `wanted` picks; with its envelope.
    pub(super) fn find(&self, wanted: impl Fn(&OrderEvent) -> bool) -> Option<&Recorded<OrderEvent>> {
        self.events.iter().find(|recorded| wanted(&recorded.event))
    }

    /// The event that placed it.
    pub(super) fn placed(&self) -> Option<&Recorded<OrderEvent>> {
        self.find(|event| matches!(event, OrderEvent::OrderPlaced(_)))
    }
}

/// That the log can't be read may be better in a moment; that it is another one by now is told by all else that reads
/// it.
pub(super) fn unread(error: LogError) -> Failure {
    match error {
        LogError::Unreadable(error) => Failure::Permanent(error.to_string()),
        error => Failure::Temporary(error.to_string()),
    }
}
