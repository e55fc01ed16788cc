//! What an event changed, field by field.
//!
//! An order has up to 500 lines, and hundreds of events, of which each changes one line. So neither whole orders are
//! compared nor whole lists of lines: what is small is copied before and after the event, and of lines those that it
//! can have changed.

use crate::openapi::{MoneyValue, OrderItem};
use domain::Money;
use domain::ids::OrderNumber;
use domain::order::{Customer, Line, Order, OrderEvent, ShippingAddress};
use projections::order_list::Item;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// A field that an event made another; `null` where there was, or is, none. Values are as an order shows them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FieldChange")]
#[serde(tag = "field", rename_all = "snake_case")]
pub(crate) enum FieldChange<'o> {
    /// What it has come to.
    Status { from: Option<&'static str>, to: Option<&'static str> },
    /// The number to read out.
    Number {
        #[schemars(with = "Option<u64>")]
        from: Option<OrderNumber>,
        #[schemars(with = "Option<u64>")]
        to: Option<OrderNumber>,
    },
    /// Who ordered.
    Name { from: Option<String>, to: Option<String> },
    /// Where its mails go.
    Email { from: Option<&'o str>, to: Option<&'o str> },
    /// Where it goes.
    ShippingAddress { from: Option<Place<'o>>, to: Option<Place<'o>> },
    /// Those of its lines that became others, as they were, and as they are; a line that came to it is only in `to`.
    Items {
        #[schemars(with = "Vec<OrderItem>")]
        from: Vec<Item<'o>>,
        #[schemars(with = "Vec<OrderItem>")]
        to: Vec<Item<'o>>,
    },
    /// The sum of its lines, once it is placed.
    Total {
        #[schemars(with = "Option<MoneyValue>")]
        from: Option<Money>,
        #[schemars(with = "Option<MoneyValue>")]
        to: Option<Money>,
    },
    /// The sum of its payments.
    PaidAmount {
        #[schemars(with = "Option<MoneyValue>")]
        from: Option<Money>,
        #[schemars(with = "Option<MoneyValue>")]
        to: Option<Money>,
    },
    /// Whether the payments cover the total.
    Paid { from: bool, to: bool },
    /// Whether somebody has to look at what a payment provider said.
    NeedsReview { from: bool, to: bool },
}

/// An address.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ChangedAddress")]
pub(crate) struct Place<'o> {
    address: &'o str,
    postal_code: &'o str,
    city: &'o str,
    country: Option<&'o str>,
}

impl<'o> From<&'o ShippingAddress> for Place<'o> {
    fn from(address: &'o ShippingAddress) -> Self {
        Self {
            address: address.address.as_str(),
            postal_code: address.postal_code.as_str(),
            city: address.city.as_str(),
            country: address.country.as_ref().map(|country| country.as_str()),
        }
    }
}

/// An order without its lines.
#[derive(Debug)]
struct Face {
    status: Option<&'static str>,
    number: Option<OrderNumber>,
    customer: Option<Arc<Customer>>,
    total: Option<Money>,
    paid_amount: Option<Money>,
    is_paid: bool,
    needs_review: bool,
}

impl Face {
    fn of(order: &Order) -> Self {
        let placed = order.placed();
        Self {
            status: order.status(),
            number: placed.map(|placed| placed.number),
            customer: placed.map(|placed| Arc::clone(&placed.customer)),
            total: placed.map(|placed| placed.total),
            paid_amount: placed.map(|placed| placed.paid_amount),
            is_paid: order.is_paid(),
            needs_review: order.needs_review(),
        }
    }
}

/// What there is of an order before an event that may be another after it.
#[derive(Debug)]
pub(super) struct Before {
    face: Face,
    lines: Vec<Line>,
}

/// What an event made another.
#[derive(Debug)]
pub(super) struct Change {
    faces: [Face; 2],
    /// The lines that became others, before and after.
    lines: [Vec<Line>; 2],
}

impl Before {
    pub(super) fn of(order: &Order, event: &OrderEvent) -> Self {
        Self { face: Face::of(order), lines: touched(order, event) }
    }

    /// With the order that the event left.
    pub(super) fn changed_to(self, order: &Order, event: &OrderEvent) -> Change {
        let (was, is) = (self.lines, touched(order, event));
        let lines = if was == is { [Vec::new(), Vec::new()] } else { [without(&was, &is), without(&is, &was)] };
        Change { faces: [self.face, Face::of(order)], lines }
    }
}

impl Change {
    /// Its fields, each with both values.
    pub(super) fn fields(&self) -> Vec<FieldChange<'_>> {
        let [before, after] = &self.faces;
        let [was, is] = &self.lines;
        let customers = [&before.customer, &after.customer].map(Option::as_deref);
        let found = [
            another([before.status, after.status], |from, to| FieldChange::Status { from, to }),
            another([before.number, after.number], |from, to| FieldChange::Number { from, to }),
            another(customers.map(|customer| customer.map(name)), |from, to| FieldChange::Name { from, to }),
            another(customers.map(|customer| customer.map(email)), |from, to| FieldChange::Email { from, to }),
            another(customers.map(|customer| customer.and_then(place)), |from, to| FieldChange::ShippingAddress {
                from,
                to,
            }),
            another([was, is], |from, to| FieldChange::Items { from: items(from), to: items(to) }),
            another([before.total, after.total], |from, to| FieldChange::Total { from, to }),
            another([before.paid_amount, after.paid_amount], |from, to| FieldChange::PaidAmount { from, to }),
            another([before.is_paid, after.is_paid], |from, to| FieldChange::Paid { from, to }),
            another([before.needs_review, after.needs_review], |from, to| FieldChange::NeedsReview { from, to }),
        ];
        found.into_iter().flatten().collect()
    }
}

/// Those of an order's lines that the event may have made others: a line that was added joins one of its sku and price,
/// if there is one, and an order is placed with lines of its own.
fn touched(order: &Order, event: &OrderEvent) -> Vec<Line> {
    let lines = lines(order);
    match event {
        OrderEvent::ItemAdded(added) => {
            let is_it = |line: &&Line| line.sku == added.line.sku && line.unit_price == added.line.unit_price;
            lines.iter().filter(is_it).cloned().collect()
        }
        OrderEvent::OrderPlaced(_) => lines.to_vec(),
        OrderEvent::PaymentRecorded(_)
        | OrderEvent::OrderPaid(_)
        | OrderEvent::PaymentFlagged(_)
        | OrderEvent::EmailCorrected(_) => Vec::new(),
    }
}

/// The lines that the others have not.
fn without(lines: &[Line], others: &[Line]) -> Vec<Line> {
    lines.iter().filter(|line| !others.contains(line)).cloned().collect()
}

fn another<'o, T: PartialEq>(
    [from, to]: [T; 2],
    change: impl FnOnce(T, T) -> FieldChange<'o>,
) -> Option<FieldChange<'o>> {
    (from != to).then(|| change(from, to))
}

fn name(customer: &Customer) -> String {
    format!("{} {}", customer.first_name, customer.last_name)
}

fn email(customer: &Customer) -> &str {
    customer.email.as_str()
}

fn place(customer: &Customer) -> Option<Place<'_>> {
    customer.shipping_address.as_ref().map(Place::from)
}

fn lines(order: &Order) -> &[Line] {
    match order {
        Order::Empty => &[],
        Order::Draft(draft) => &draft.lines,
        Order::Placed(placed) | Order::Paid(placed) => &placed.lines,
    }
}

/// What can't be reckoned was never accepted.
fn items(lines: &[Line]) -> Vec<Item<'_>> {
    lines.iter().filter_map(|line| Item::of(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order::{ItemAdded, evolve};
    use domain::text::ProductName;
    use domain::{Quantity, Sku};
    use serde_json::{Value, json};

    fn added(sku: &str, quantity: u32) -> OrderEvent {
        let unit_price = Money::parse("2.00", "USD").unwrap();
        let (sku, name) = (Sku::parse(sku).unwrap(), ProductName::parse(sku).unwrap());
        let line = Line { sku, name, unit_price, quantity: Quantity::try_from(quantity).unwrap() };
        OrderEvent::ItemAdded(ItemAdded { line, total: unit_price })
    }

    #[test]
    fn of_many_lines_the_one_is_told_that_became_another() {
        let mut order = Order::default();
        let mut told = Vec::new();
        for event in [added("TEA", 1), added("CUP", 1), added("TEA", 2)] {
            let before = Before::of(&order, &event);
            order = evolve(order, &event);
            told.push(serde_json::to_value(before.changed_to(&order, &event).fields()).unwrap());
        }
        let quantities = |step: &Value, side: &str| -> Vec<(Value, Value)> {
            let items = step[0][side].as_array().unwrap().iter();
            items.map(|item| (item["sku"].clone(), item["quantity"].clone())).collect()
        };
        let of = |sku: &str, quantity: u32| (json!(sku), json!(quantity));
        assert_eq!((quantities(&told[1], "from"), quantities(&told[1], "to")), (vec![], vec![of("CUP", 1)]));
        assert_eq!(
            (quantities(&told[2], "from"), quantities(&told[2], "to")),
            (vec![of("TEA", 1)], vec![of("TEA", 3)])
        );
    }
}
