//! What happened to a product, as its own events tell: what it cost since when, and who said so.

use chrono::{DateTime, Utc};
use commands::{Log, LogError};
use domain::product::ProductEvent;
use domain::{AggregateType, Event, Money, Sku};

/// One thing that happened to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The product's version from then on.
    pub(crate) version: u64,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// Who did it: an API key's id, a member of the staff, or the system's own name for itself.
    pub(crate) actor: String,
    /// What it was: the event's type.
    pub(crate) event: &'static str,
    /// What it was about the price, if it was.
    pub(crate) price: Option<PriceChange>,
}

/// A price that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PriceChange {
    /// What one cost from then on.
    pub(crate) price: Money,
    /// What one cost until then; `None` for the first price.
    pub(crate) previous: Option<Money>,
}

/// All that happened to a product, the newest first. Empty where there is no such product.
pub(crate) async fn of(log: &Log, sku: &Sku) -> Result<Vec<Change>, LogError> {
    let stream = log.read_stream(AggregateType::Product, sku.as_str(), 1).await?;
    let mut changes = Vec::with_capacity(stream.len());
    for stored in &stream {
        let recorded = stored.recorded().map_err(Clone::clone)?;
        let Event::Product(event) = &recorded.event else { continue };
        changes.push(Change {
            version: recorded.sequence,
            at: recorded.metadata.occurred_at,
            actor: recorded.metadata.actor.clone(),
            event: event.event_type(),
            price: price(event),
        });
    }
    changes.reverse();
    Ok(changes)
}

fn price(event: &ProductEvent) -> Option<PriceChange> {
    match event {
        ProductEvent::ProductAdded(added) => Some(PriceChange { price: added.price, previous: None }),
        ProductEvent::ProductRepriced(repriced) => {
            Some(PriceChange { price: repriced.price, previous: Some(repriced.previous_price) })
        }
        _ => None,
    }
}
