//! The aggregate: the same order as ours, in the shape that cqrs-es asks for.

use crate::orders::{CATALOGUE, Product};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkout {
    pub customer: Person,
    pub shipping_address: Address,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub address: String,
    pub postal_code: String,
    pub city: String,
    pub country: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub quantity: u32,
}

/// A product at its price of the day, and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
}

/// An amount as text, and its currency.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Money {
    pub amount: String,
    pub currency: String,
}

impl Money {
    fn cents(cents: u32) -> Self {
        Self { amount: format!("{}.{:02}", cents / 100, cents % 100), currency: "USD".to_owned() }
    }
}

/// Today's prices, in memory.
pub struct Catalogue(HashMap<&'static str, Product>);

impl Default for Catalogue {
    fn default() -> Self {
        Self(CATALOGUE.into_iter().map(|product| (product.0, product)).collect())
    }
}

pub enum OrderCommand {
    Place { order_id: String, checkout: Checkout },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OrderEvent {
    ItemAdded { line: Line, total: Money },
    OrderPlaced { order_id: String, customer: Person, shipping_address: Address, lines: Vec<Line>, total: Money },
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        match self {
            Self::ItemAdded { .. } => "ItemAdded".to_owned(),
            Self::OrderPlaced { .. } => "OrderPlaced".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("the order is placed already")]
    AlreadyPlaced,
    #[error("there is no product {0}")]
    NoSuchProduct(String),
    #[error("an order needs an item")]
    NoItem,
}

/// The state.
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    lines: Vec<Line>,
    placed: bool,
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderError;
    type Services = Catalogue;

    async fn handle(
        &mut self,
        command: OrderCommand,
        catalogue: &Catalogue,
        sink: &EventSink<Self>,
    ) -> Result<(), OrderError> {
        let OrderCommand::Place { order_id, checkout } = command;
        if self.placed {
            return Err(OrderError::AlreadyPlaced);
        }
        if checkout.items.is_empty() {
            return Err(OrderError::NoItem);
        }
        let mut total = 0;
        for item in checkout.items {
            let Some((sku, name, price)) = catalogue.0.get(item.sku.as_str()) else {
                return Err(OrderError::NoSuchProduct(item.sku));
            };
            total += price * item.quantity;
            let (sku, name) = ((*sku).to_owned(), (*name).to_owned());
            let line = Line { sku, name, unit_price: Money::cents(*price), quantity: item.quantity };
            sink.write(OrderEvent::ItemAdded { line, total: Money::cents(total) }, self).await;
        }
        let placed = OrderEvent::OrderPlaced {
            order_id,
            customer: checkout.customer,
            shipping_address: checkout.shipping_address,
            lines: self.lines.clone(),
            total: Money::cents(total),
        };
        sink.write(placed, self).await;
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        match event {
            OrderEvent::ItemAdded { line, .. } => self.lines.push(line),
            OrderEvent::OrderPlaced { .. } => self.placed = true,
        }
    }
}
