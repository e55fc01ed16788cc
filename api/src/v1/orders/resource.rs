//! An order as clients see it: the same JSON from a command, from the list, and from the log.

use super::super::as_of::AsOfResource;
use super::super::incoming::Resource;
use super::super::time;
use crate::openapi::{Instant, MoneyValue, OrderItem};
use chrono::{DateTime, Utc};
use commands::{AsOf, Snapshot};
use domain::Money;
use domain::ids::{OrderId, OrderNumber};
use domain::order::{Order, ShippingAddress};
use projections::order_list::{Item, OrderRow, ShippingAddressRow};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

// `I` is what its lines are held in.
/// An order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub struct OrderResource<'o, I> {
    #[schemars(with = "Uuid")]
    id: OrderId,
    /// Short, to be read out.
    #[schemars(with = "u64")]
    number: OrderNumber,
    /// `placed`.
    status: &'static str,
    paid: bool,
    /// Whether a payment provider said something that does not fit.
    needs_review: bool,
    customer: CustomerResource<'o>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressResource<'o>>,
    #[schemars(with = "Vec<OrderItem>")]
    items: I,
    #[schemars(with = "MoneyValue")]
    total: Money,
    /// The `ETag` without its quotes.
    version: u64,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    placed_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    updated_at: DateTime<Utc>,
    /// Which moment it is of, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOfResource>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Customer")]
struct CustomerResource<'o> {
    first_name: &'o str,
    last_name: &'o str,
    email: &'o str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShippingAddress")]
struct AddressResource<'o> {
    address: &'o str,
    postal_code: &'o str,
    city: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'o str>,
}

impl<'o> AddressResource<'o> {
    fn of_row(row: &'o ShippingAddressRow) -> Self {
        let ShippingAddressRow { address, postal_code, city, country } = row;
        Self { address, postal_code, city, country: country.as_deref() }
    }

    fn of(address: &'o ShippingAddress) -> Self {
        Self {
            address: address.address.as_str(),
            postal_code: address.postal_code.as_str(),
            city: address.city.as_str(),
            country: address.country.as_ref().map(|country| country.as_str()),
        }
    }
}

impl<'o> OrderResource<'o, &'o RawValue> {
    /// From the list, where the lines are JSON already.
    pub fn of_row(row: &'o OrderRow) -> Self {
        let customer = &row.customer;
        Self {
            id: row.id,
            number: row.number,
            status: row.status.as_str(),
            paid: row.paid,
            needs_review: row.needs_review,
            customer: CustomerResource {
                first_name: &customer.first_name,
                last_name: &customer.last_name,
                email: &customer.email,
            },
            shipping_address: row.shipping_address.as_ref().map(AddressResource::of_row),
            items: &row.items,
            total: row.total,
            version: row.version,
            placed_at: row.placed_at,
            updated_at: row.updated_at,
            as_of: None,
        }
    }
}

impl<'o> OrderResource<'o, Vec<Item<'o>>> {
    /// From the order's own history; `None` before it is placed.
    pub fn of_snapshot(snapshot: &'o Snapshot<Order>) -> Option<Self> {
        let placed = snapshot.state.placed()?;
        let customer = &placed.customer;
        Some(Self {
            id: snapshot.id.parse().ok()?,
            number: placed.number,
            status: snapshot.state.status()?,
            paid: snapshot.state.is_paid(),
            needs_review: snapshot.state.needs_review(),
            customer: CustomerResource {
                first_name: customer.first_name.as_str(),
                last_name: customer.last_name.as_str(),
                email: customer.email.as_str(),
            },
            shipping_address: customer.shipping_address.as_ref().map(AddressResource::of),
            items: placed.lines.iter().map(Item::of).collect::<Result<_, _>>().ok()?,
            total: placed.total,
            version: snapshot.version,
            placed_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
            as_of: None,
        })
    }
}

impl<I> OrderResource<'_, I> {
    /// The same, as what it was at that moment.
    pub(in crate::v1) fn at(self, moment: AsOf) -> Self {
        Self { as_of: Some(moment.into()), ..self }
    }
}

impl Resource for Order {
    fn json(snapshot: &Snapshot<Self>) -> Option<String> {
        serde_json::to_string(&OrderResource::of_snapshot(snapshot)?).ok()
    }

    fn path(id: &str) -> String {
        format!("/v1/orders/{id}")
    }
}
