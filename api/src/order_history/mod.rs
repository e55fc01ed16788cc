//! What happened to an order, as its own events tell: in words, and what each of them changed.

mod changes;
mod words;

pub(crate) use changes::FieldChange;
pub(crate) use words::{conflict, words};

use changes::changes;
use commands::{Log, LogError, StoredEvent};
use domain::ids::OrderId;
use domain::order::{Order, OrderEvent, evolve};
use domain::{AggregateType, Event, Recorded};
use std::sync::Arc;

/// Everything that happened to one order.
pub(crate) struct History {
    events: Vec<Arc<StoredEvent>>,
    /// The order before each event, and behind the last.
    states: Vec<Order>,
}

/// One thing that happened to an order.
pub(crate) struct Step<'h> {
    pub(crate) recorded: &'h Recorded<Event>,
    pub(crate) event: &'h OrderEvent,
    /// What it made another.
    pub(crate) changes: Vec<FieldChange<'h>>,
}

impl History {
    /// Reads an order's events. Empty where nothing happened under that id.
    pub(crate) async fn of(log: &Log, order: OrderId) -> Result<Self, LogError> {
        let events = log.read_stream(AggregateType::Order, &order.to_string(), 1).await?;
        let mut states = Vec::with_capacity(events.len() + 1);
        let mut state = Order::default();
        states.push(state.clone());
        for stored in &events {
            if let Event::Order(event) = &stored.recorded().map_err(Clone::clone)?.event {
                state = evolve(state, event);
            }
            states.push(state.clone());
        }
        Ok(Self { events, states })
    }

    /// Whether it was ever placed.
    pub(crate) fn is_of_an_order(&self) -> bool {
        self.states.last().is_some_and(|state| state.placed().is_some())
    }

    /// What happened, in order.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_>> {
        let states = self.states.windows(2);
        self.events.iter().zip(states).filter_map(|(stored, states)| {
            let recorded = stored.recorded().ok()?;
            let Event::Order(event) = &recorded.event else { return None };
            let [before, after] = states else { return None };
            Some(Step { recorded, event, changes: changes(before, after) })
        })
    }
}
