//! What an event changed: the order before and after it, field by field.

use crate::openapi::{MoneyValue, OrderItem};
use domain::Money;
use domain::ids::OrderNumber;
use domain::order::{Customer, Line, Order, ShippingAddress};
use projections::order_list::Item;
use schemars::JsonSchema;
use serde::Serialize;

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
    /// Its lines.
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

/// What is another in `after` than in `before`.
pub(super) fn changes<'o>(before: &'o Order, after: &'o Order) -> Vec<FieldChange<'o>> {
    let placed = [before.placed(), after.placed()];
    let customers = placed.map(|placed| placed.map(|placed| &*placed.customer));
    let found = [
        another([before.status(), after.status()], |from, to| FieldChange::Status { from, to }),
        another(placed.map(|placed| placed.map(|placed| placed.number)), |from, to| FieldChange::Number { from, to }),
        another(customers.map(|customer| customer.map(name)), |from, to| FieldChange::Name { from, to }),
        another(customers.map(|customer| customer.map(email)), |from, to| FieldChange::Email { from, to }),
        another(customers.map(|customer| customer.and_then(place)), |from, to| FieldChange::ShippingAddress {
            from,
            to,
        }),
        another([lines(before), lines(after)], |from, to| FieldChange::Items { from: items(from), to: items(to) }),
        another(placed.map(|placed| placed.map(|placed| placed.total)), |from, to| FieldChange::Total { from, to }),
        another(placed.map(|placed| placed.map(|placed| placed.paid_amount)), |from, to| FieldChange::PaidAmount {
            from,
            to,
        }),
        another([before.is_paid(), after.is_paid()], |from, to| FieldChange::Paid { from, to }),
        another([before.needs_review(), after.needs_review()], |from, to| FieldChange::NeedsReview { from, to }),
    ];
    found.into_iter().flatten().collect()
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
