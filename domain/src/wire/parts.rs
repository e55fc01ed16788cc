//! Shapes that several events share. Frozen like the events themselves: a change is a new struct with a new suffix.

use crate::ids::SubjectId;
use crate::money::{Money, MoneyError};
use crate::order::{Customer, Line, ShippingAddress};
use crate::quantity::{Quantity, QuantityError};
use crate::sku::Sku;
use crate::text::{City, Country, Email, PersonName, PostalCode, ProductName, StreetAddress};
use schemars::JsonSchema;
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
    #[error("the conflict is not a known one")]
    Conflict,
}

/// An amount of one currency.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyV1<'a> {
    /// A decimal number with as many places as the currency has, such as `12.50`.
    #[serde(borrow)]
    amount: Cow<'a, str>,
    /// ISO 4217, such as `USD`.
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

/// So many of one product, at the price of the day on which it was ordered.
#[derive(Serialize, Deserialize, JsonSchema)]
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

/// Who ordered, when there always was an address.
#[derive(Deserialize, JsonSchema)]
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

impl<'a> From<CustomerV1<'a>> for CustomerV2<'a> {
    fn from(old: CustomerV1<'a>) -> Self {
        Self {
            subject_id: old.subject_id,
            first_name: old.first_name,
            last_name: old.last_name,
            email: old.email,
            shipping_address: Some(old.shipping_address),
        }
    }
}

/// Who ordered: the only place of personal data.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerV2<'a> {
    /// Whose data this is: the id of a member, or one made for the order.
    subject_id: Uuid,
    #[serde(borrow)]
    first_name: Cow<'a, str>,
    #[serde(borrow)]
    last_name: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
    /// Missing where nothing is sent.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    shipping_address: Option<ShippingAddressV1<'a>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShippingAddressV1<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow)]
    postal_code: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    /// ISO 3166-1, two letters, where it was given.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    country: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Customer> for CustomerV2<'a> {
    fn from(customer: &'a Customer) -> Self {
        Self {
            subject_id: customer.subject_id.0,
            first_name: customer.first_name.as_str().into(),
            last_name: customer.last_name.as_str().into(),
            email: customer.email.as_str().into(),
            shipping_address: customer.shipping_address.as_ref().map(ShippingAddressV1::from),
        }
    }
}

impl<'a> From<&'a ShippingAddress> for ShippingAddressV1<'a> {
    fn from(to: &'a ShippingAddress) -> Self {
        Self {
            address: to.address.as_str().into(),
            postal_code: to.postal_code.as_str().into(),
            city: to.city.as_str().into(),
            country: to.country.as_ref().map(|country| country.as_str().into()),
        }
    }
}

impl From<CustomerV2<'_>> for Customer {
    fn from(stored: CustomerV2<'_>) -> Self {
        Self {
            subject_id: SubjectId(stored.subject_id),
            first_name: PersonName::stored(&stored.first_name),
            last_name: PersonName::stored(&stored.last_name),
            email: Email::stored(&stored.email),
            shipping_address: stored.shipping_address.map(ShippingAddress::from),
        }
    }
}

impl From<ShippingAddressV1<'_>> for ShippingAddress {
    fn from(stored: ShippingAddressV1<'_>) -> Self {
        Self {
            address: StreetAddress::stored(&stored.address),
            postal_code: PostalCode::stored(&stored.postal_code),
            city: City::stored(&stored.city),
            country: stored.country.as_deref().map(Country::stored),
        }
    }
}

pub(super) fn lines_from(stored: Vec<LineV1<'_>>) -> Result<std::sync::Arc<[Line]>, PartError> {
    stored.into_iter().map(Line::try_from).collect()
}
