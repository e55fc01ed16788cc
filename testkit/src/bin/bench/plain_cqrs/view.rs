//! The view: an order as a client reads it.

use super::order::{Address, Line, Money, Order, OrderEvent, Person};
use cqrs_es::{EventEnvelope, View};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OrderView {
    id: String,
    status: String,
    customer: Option<Person>,
    shipping_address: Option<Address>,
    items: Vec<Line>,
    total: Money,
}

impl View<Order> for OrderView {
    fn update(&mut self, event: &EventEnvelope<Order>) {
        match &event.payload {
            OrderEvent::ItemAdded { line, total } => {
                self.items.push(line.clone());
                self.total = total.clone();
            }
            OrderEvent::OrderPlaced { order_id, customer, shipping_address, lines, total } => {
                self.id.clone_from(order_id);
                "placed".clone_into(&mut self.status);
                self.customer = Some(customer.clone());
                self.shipping_address = Some(shipping_address.clone());
                self.items.clone_from(lines);
                self.total = total.clone();
            }
        }
    }
}
