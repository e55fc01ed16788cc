//! Any event of the log, and the envelope that it is recorded in.

use crate::category::CategoryEvent;
use crate::ids::EventId;
use crate::newsletter::NewsletterEvent;
use crate::order::OrderEvent;
use crate::product::ProductEvent;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Gives an event enum its conversions and names: `OrderPlaced::TYPE`, `event.event_type()`, `From<OrderPlaced>`.
macro_rules! event_types {
    ($enum:ident { $($variant:ident),+ $(,)? }) => {
        impl $enum {
            /// The name of every event type of this aggregate.
            pub const TYPES: &'static [&'static str] = &[$($variant::TYPE),+];

            /// The event's type, as it is stored and published.
            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $variant::TYPE),+ }
            }
        }
        $(
            impl $variant {
                /// The event's type, as it is stored and published.
                pub const TYPE: &'static str = stringify!($variant);
            }
            impl From<$variant> for $enum {
                fn from(event: $variant) -> Self { Self::$variant(event) }
            }
        )+
    };
}
pub(crate) use event_types;

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something happened to an order.
    Order(OrderEvent),
    /// Something happened to a product.
    Product(ProductEvent),
    /// Something happened to a category.
    Category(CategoryEvent),
    /// Something happened to an issue of the newsletter.
    Newsletter(NewsletterEvent),
}

impl Event {
    /// The event's type, as it is stored and published.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Order(event) => event.event_type(),
            Self::Product(event) => event.event_type(),
            Self::Category(event) => event.event_type(),
            Self::Newsletter(event) => event.event_type(),
        }
    }

    /// Which kind of aggregate it happened to.
    pub fn aggregate_type(&self) -> AggregateType {
        match self {
            Self::Order(_) => AggregateType::Order,
            Self::Product(_) => AggregateType::Product,
            Self::Category(_) => AggregateType::Category,
            Self::Newsletter(_) => AggregateType::Newsletter,
        }
    }
}

impl From<OrderEvent> for Event {
    fn from(event: OrderEvent) -> Self {
        Self::Order(event)
    }
}

impl From<ProductEvent> for Event {
    fn from(event: ProductEvent) -> Self {
        Self::Product(event)
    }
}

impl From<CategoryEvent> for Event {
    fn from(event: CategoryEvent) -> Self {
        Self::Category(event)
    }
}

impl From<NewsletterEvent> for Event {
    fn from(event: NewsletterEvent) -> Self {
        Self::Newsletter(event)
    }
}

/// Which kind of aggregate a stream of events belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AggregateType {
    /// An order; its aggregate id is the order's UUID, in lower-case hyphenated form.
    Order,
    /// A product; its aggregate id is the sku.
    Product,
    /// A category; its aggregate id is the slug.
    Category,
    /// An issue of the newsletter; its aggregate id is a UUID, in lower-case hyphenated form.
    Newsletter,
}

impl AggregateType {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Order, Self::Product, Self::Category, Self::Newsletter];

    /// The name of every event type of this kind.
    pub const fn event_types(self) -> &'static [&'static str] {
        match self {
            Self::Order => OrderEvent::TYPES,
            Self::Product => ProductEvent::TYPES,
            Self::Category => CategoryEvent::TYPES,
            Self::Newsletter => NewsletterEvent::TYPES,
        }
    }

    /// The name as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Product => "product",
            Self::Category => "category",
            Self::Newsletter => "newsletter",
        }
    }

    /// The kind of a stored name; `None` for a name that this program does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event's place in the log: 1, 2, 3, … in commit order, without gaps. Zero is the place before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const ORIGIN: Self = Self(0);

    /// As a `bigint` of the database. Positions come from there and fit.
    pub fn as_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// From a `bigint` of the database; what is negative there is before the first.
    pub fn from_i64(position: i64) -> Self {
        Self(u64::try_from(position).unwrap_or(0))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known about an event besides what happened. Stored as a flat map of strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// When it happened; `recorded_at` is when it was written down.
    pub occurred_at: DateTime<Utc>,
    /// Who did it: an API key's id, or the system's own name for itself. Never a person's name or address.
    pub actor: String,
    /// What all events of one request, and of what it leads to, have in common.
    pub correlation_id: String,
    /// The event or request that directly led to this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causation_id: Option<String>,
    /// W3C trace context of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// The language in which the customer is written to (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub locale: Option<String>,
}

/// An event as it stands in the log. `E` is [`Event`], or the one type that a handler asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E = Event> {
    /// Its place in the log.
    pub position: Position,
    /// Its id, for ever.
    pub event_id: EventId,
    /// The id of its aggregate: an order's UUID, a product's sku, a category's slug.
    pub aggregate_id: Arc<str>,
    /// Its place within its aggregate, from 1; the aggregate's version once it is applied.
    pub sequence: u64,
    /// When it was written down; never runs backwards along the position.
    pub recorded_at: DateTime<Utc>,
    /// When it happened, who did it, and what it belongs to; one for all events of a command.
    pub metadata: Arc<Metadata>,
    /// What happened.
    pub event: E,
}

impl<E> Recorded<E> {
    /// The same envelope around what `part` takes out of the event; `None` when it takes nothing.
    pub fn filter_map<T>(self, part: impl FnOnce(E) -> Option<T>) -> Option<Recorded<T>> {
        Some(Recorded {
            position: self.position,
            event_id: self.event_id,
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            metadata: self.metadata,
            event: part(self.event)?,
        })
    }
}
