//! Shapes that several events share. Frozen like the events themselves: a change is a new struct with a new suffix.

use crate::ids::SubjectId;
use crate::money::{Money, MoneyError};
use crate::order::{Customer, Line, ShippingAddress};
use crate::quantity::{Quantity, QuantityError};
use crate::sku::Sku;
use crate::text::{City, Country, Email, PersonName, PostalCode, ProductName, StreetAddress};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// What a stored part can be wrong about: texts are taken as they stand, as they were checked when they were written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartError {
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyV1<'a> {
    #[serde(borrow)]
    amount: Cow<'a, str>,
    #[serde(borrow)]
    currency: Cow<'a, str>,
}

impl From<Money> for MoneyV1<'_> {
    fn from(money: Money) -> Self {
        Self { amount: money.amount().to_string().into(), currency: money.currency().code().into() }
    }
}

impl TryFrom<MoneyV1<'_>> for Money {
    type Error = PartError;
    fn try_from(stored: MoneyV1<'_>) -> Result<Self, PartError> {
        Ok(Self::parse(&stored.amount, &stored.currency)?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    unit_price: MoneyV1<'a>,
    quantity: u32,
}

impl<'a> From<&'a Line> for LineV1<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            sku: line.sku.as_str().into(),
            name: line.name.as_str().into(),
            unit_price: line.unit_price.into(),
            quantity: line.quantity.get(),
        }
    }
}

impl TryFrom<LineV1<'_>> for Line {
    type Error = PartError;
    fn try_from(stored: LineV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            sku: Sku::stored(&stored.sku),
            name: ProductName::stored(&stored.name),
            unit_price: stored.unit_price.try_into()?,
            quantity: Quantity::try_from(stored.quantity)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerV1<'a> {
    subject_id: Uuid,
    #[serde(borrow)]
    first_name: Cow<'a, str>,
    #[serde(borrow)]
    last_name: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
    #[serde(borrow)]
    shipping_address: ShippingAddressV1<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShippingAddressV1<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow)]
    postal_code: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    country: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Customer> for CustomerV1<'a> {
    fn from(customer: &'a Customer) -> Self {
        let to = &customer.shipping_address;
        Self {
            subject_id: customer.subject_id.0,
            first_name: customer.first_name.as_str().into(),
            last_name: customer.last_name.as_str().into(),
            email: customer.email.as_str().into(),
            shipping_address: ShippingAddressV1 {
                address: to.address.as_str().into(),
                postal_code: to.postal_code.as_str().into(),
                city: to.city.as_str().into(),
                country: to.country.as_ref().map(|country| country.as_str().into()),
            },
        }
    }
}

impl From<CustomerV1<'_>> for Customer {
    fn from(stored: CustomerV1<'_>) -> Self {
        let to = stored.shipping_address;
        Self {
            subject_id: SubjectId(stored.subject_id),
            first_name: PersonName::stored(&stored.first_name),
            last_name: PersonName::stored(&stored.last_name),
            email: Email::stored(&stored.email),
            shipping_address: ShippingAddress {
                address: StreetAddress::stored(&to.address),
                postal_code: PostalCode::stored(&to.postal_code),
                city: City::stored(&to.city),
                country: to.country.as_deref().map(Country::stored),
            },
        }
    }
}

pub(super) fn lines_from(stored: Vec<LineV1<'_>>) -> Result<std::sync::Arc<[Line]>, PartError> {
    stored.into_iter().map(Line::try_from).collect()
}
