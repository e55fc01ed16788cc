//! The domain's aggregates, as the log appends them and as `cqrs-es` loads them.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use domain::category::{self, Category, CategoryEvent};
use domain::newsletter::{self, Newsletter, NewsletterEvent};
use domain::order::{self, Order, OrderEvent};
use domain::product::{self, Product, ProductEvent};
use domain::{AggregateType, Decision, Event, Prices, wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An aggregate whose commands go through the gateway.
pub trait Aggregate: Default + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Its kind.
    const KIND: AggregateType;
    /// What can be asked of it.
    type Command: std::fmt::Debug + Send + Sync + 'static;
    /// What can have happened to it.
    type Event: Clone + Into<Event> + Send + Sync + 'static;
    /// Why a command is refused.
    type Rejection: std::error::Error + Clone + Send + Sync + 'static;

    /// Decides a command. Pure.
    fn decide(&self, command: &Self::Command, prices: &Prices) -> Decision<Self::Event, Self::Rejection>;
    /// The state after an event. Pure.
    fn evolve(self, event: &Self::Event) -> Self;
    /// The event, if it is one of this aggregate.
    fn own(event: &Event) -> Option<&Self::Event>;
}

impl Aggregate for Order {
    const KIND: AggregateType = AggregateType::Order;
    type Command = order::Command;
    type Event = OrderEvent;
    type Rejection = order::Rejection;

    fn decide(&self, command: &Self::Command, prices: &Prices) -> Decision<OrderEvent, order::Rejection> {
        order::decide(self, command, prices)
    }

    fn evolve(self, event: &OrderEvent) -> Self {
        order::evolve(self, event)
    }

    fn own(event: &Event) -> Option<&OrderEvent> {
        if let Event::Order(event) = event { Some(event) } else { None }
    }
}

impl Aggregate for Product {
    const KIND: AggregateType = AggregateType::Product;
    type Command = product::Command;
    type Event = ProductEvent;
    type Rejection = product::Rejection;

    fn decide(&self, command: &Self::Command, _prices: &Prices) -> Decision<ProductEvent, product::Rejection> {
        product::decide(self, command)
    }

    fn evolve(self, event: &ProductEvent) -> Self {
        product::evolve(self, event)
    }

    fn own(event: &Event) -> Option<&ProductEvent> {
        if let Event::Product(event) = event { Some(event) } else { None }
    }
}

impl Aggregate for Category {
    const KIND: AggregateType = AggregateType::Category;
    type Command = category::Command;
    type Event = CategoryEvent;
    type Rejection = category::Rejection;

    fn decide(&self, command: &Self::Command, _prices: &Prices) -> Decision<CategoryEvent, category::Rejection> {
        category::decide(self, command)
    }

    fn evolve(self, event: &CategoryEvent) -> Self {
        category::evolve(self, event)
    }

    fn own(event: &Event) -> Option<&CategoryEvent> {
        if let Event::Category(event) = event { Some(event) } else { None }
    }
}

impl Aggregate for Newsletter {
    const KIND: AggregateType = AggregateType::Newsletter;
    type Command = newsletter::Command;
    type Event = NewsletterEvent;
    type Rejection = newsletter::Rejection;

    fn decide(&self, command: &Self::Command, _prices: &Prices) -> Decision<NewsletterEvent, newsletter::Rejection> {
        newsletter::decide(self, command)
    }

    fn evolve(self, event: &NewsletterEvent) -> Self {
        newsletter::evolve(self, event)
    }

    fn own(event: &Event) -> Option<&NewsletterEvent> {
        if let Event::Newsletter(event) = event { Some(event) } else { None }
    }
}

/// An aggregate of ours as `cqrs-es` sees it: its test framework tests it, and `postgres-es` loads it from our table.
///
/// It appends nothing: `cqrs-es` can carry neither an idempotency key nor a position.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cqrs<A>(pub A);

/// An event of ours as `cqrs-es` reads it from the table.
#[derive(Debug, Clone, PartialEq)]
pub struct CqrsEvent<E>(pub E);

macro_rules! cqrs {
    ($aggregate:ty, $event:ty, $variant:ident) => {
        impl cqrs_es::Aggregate for Cqrs<$aggregate> {
            const TYPE: &'static str = <$aggregate as Aggregate>::KIND.as_str();
            type Command = <$aggregate as Aggregate>::Command;
            type Event = CqrsEvent<$event>;
            type Error = <$aggregate as Aggregate>::Rejection;
            type Services = Prices;

            async fn handle(
                &mut self,
                command: Self::Command,
                prices: &Prices,
                sink: &EventSink<Self>,
            ) -> Result<(), Self::Error> {
                match self.0.decide(&command, prices) {
                    Decision::Rejected(rejection) => return Err(rejection),
                    Decision::AlreadySo => {}
                    Decision::Events(events) => {
                        for event in events {
                            sink.write(CqrsEvent(event), self).await;
                        }
                    }
                }
                Ok(())
            }

            fn apply(&mut self, event: Self::Event) {
                self.0 = std::mem::take(&mut self.0).evolve(&event.0);
            }
        }

        impl DomainEvent for CqrsEvent<$event> {
            fn event_type(&self) -> String {
                self.0.event_type().to_owned()
            }

            fn event_version(&self) -> String {
                wire::encode(&Event::$variant(self.0.clone())).event_version.to_owned()
            }
        }

        impl Serialize for CqrsEvent<$event> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let encoded = wire::encode(&Event::$variant(self.0.clone()));
                let payload: serde_json::Value =
                    serde_json::from_str(&encoded.payload).map_err(serde::ser::Error::custom)?;
                payload.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for CqrsEvent<$event> {
            /// Reads the newest version; `cqrs-es` passes older ones through [`upcasters`] first.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;
                let payload = serde_json::Value::deserialize(deserializer)?;
                match wire::decode_current(<$aggregate as Aggregate>::KIND, &payload.to_string()) {
                    Ok(Event::$variant(event)) => Ok(Self(event)),
                    Ok(_) => Err(D::Error::custom("an event of another aggregate")),
                    Err(error) => Err(D::Error::custom(error)),
                }
            }
        }
    };
}

cqrs!(Order, OrderEvent, Order);
cqrs!(Product, ProductEvent, Product);
cqrs!(Category, CategoryEvent, Category);
cqrs!(Newsletter, NewsletterEvent, Newsletter);

/// Hands `cqrs-es` events of older versions as they are written today.
pub fn upcasters() -> Vec<Box<dyn cqrs_es::persist::EventUpcaster>> {
    vec![Box::new(ToNewest)]
}

struct ToNewest;

impl cqrs_es::persist::EventUpcaster for ToNewest {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        !wire::is_current(event_type, event_version)
    }

    fn upcast(&self, mut event: cqrs_es::persist::SerializedEvent) -> cqrs_es::persist::SerializedEvent {
        let Some(kind) = AggregateType::parse(&event.aggregate_type) else { return event };
        let payload = event.payload.to_string();
        // What can't be read stays as it is: `cqrs-es` then fails on it, as it should.
        if let Ok(newest) = wire::decode(kind, &event.event_type, &event.event_version, &payload) {
            let encoded = wire::encode(&newest);
            event.event_version = encoded.event_version.to_owned();
            event.payload = serde_json::from_str(&encoded.payload).unwrap_or(event.payload);
        }
        event
    }
}
