//! What happened to an order, as its own events tell: in words, and what each of them changed.

mod changes;
mod words;

pub(crate) use changes::FieldChange;
pub(crate) use words::{conflict, words};

use changes::{Before, Change};
use commands::{Log, LogError, StoredEvent};
use domain::ids::OrderId;
use domain::order::{Order, OrderEvent, evolve};
use domain::{AggregateType, Event, Recorded};
use std::sync::Arc;

/// What happened to one order last, as of some point.
pub(crate) struct History {
    /// In order, each with what it changed.
    steps: Vec<(Arc<StoredEvent>, Change)>,
    is_of_an_order: bool,
}

/// One thing that happened to an order.
pub(crate) struct Step<'h> {
    pub(crate) recorded: &'h Recorded<Event>,
    pub(crate) event: &'h OrderEvent,
    /// What it made another.
    pub(crate) changes: Vec<FieldChange<'h>>,
}

impl History {
    /// Reads an order's events, and keeps the last `limit` of those before the sequence `before`. Empty where nothing
    /// happened under that id.
    ///
    /// All are folded, once; what the kept ones changed is noted on the way, so that no state is copied.
    pub(crate) async fn of(log: &Log, order: OrderId, before: Option<u64>, limit: usize) -> Result<Self, LogError> {
        let events = log.read_stream(AggregateType::Order, &order.to_string(), 1).await?;
        let end = events.partition_point(|stored| before.is_none_or(|before| stored.sequence < before));
        let kept = end.saturating_sub(limit)..end;
        let (mut state, mut steps) = (Order::default(), Vec::with_capacity(kept.len()));
        for (index, stored) in events.iter().enumerate() {
            let Event::Order(event) = &stored.recorded().map_err(Clone::clone)?.event else { continue };
            let noted = kept.contains(&index).then(|| Before::of(&state, event));
            state = evolve(state, event);
            steps.extend(noted.map(|before| (Arc::clone(stored), before.changed_to(&state, event))));
        }
        Ok(Self { steps, is_of_an_order: state.placed().is_some() })
    }

    /// Whether it was ever placed.
    pub(crate) const fn is_of_an_order(&self) -> bool {
        self.is_of_an_order
    }

    /// What happened, in order.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_>> {
        self.steps.iter().filter_map(|(stored, change)| {
            let recorded = stored.recorded().ok()?;
            let Event::Order(event) = &recorded.event else { return None };
            Some(Step { recorded, event, changes: change.fields() })
        })
    }
}
