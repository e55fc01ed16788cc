//! Stored shapes of the events of a product.

use super::parts::{MoneyV1, PartError};
use super::{Encoded, StoredShape, WireError, encoded};
use crate::event::AggregateType;
use crate::product::{
    ProductAdded, ProductDescribed, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn,
};
use crate::sku::Sku;
use crate::text::{Description, ProductName};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version in which each type is written today.
pub(super) const CURRENT: &[(&str, &str)] = &[
    (ProductAdded::TYPE, "1"),
    (ProductDescribed::TYPE, "1"),
    (ProductRepriced::TYPE, "1"),
    (ProductWithdrawn::TYPE, "1"),
    (ProductRestored::TYPE, "1"),
];

pub(super) fn encode(event: &ProductEvent) -> Encoded {
    match event {
        ProductEvent::ProductAdded(event) => encoded(ProductAdded::TYPE, "1", ProductAddedV1::from(event)),
        ProductEvent::ProductDescribed(event) => encoded(ProductDescribed::TYPE, "1", ProductDescribedV1::from(event)),
        ProductEvent::ProductRepriced(event) => encoded(ProductRepriced::TYPE, "1", ProductRepricedV1::from(event)),
        ProductEvent::ProductWithdrawn(event) => encoded(ProductWithdrawn::TYPE, "1", OnlySkuV1::from(&event.sku)),
        ProductEvent::ProductRestored(event) => encoded(ProductRestored::TYPE, "1", OnlySkuV1::from(&event.sku)),
    }
}

pub(super) fn decode(stored: &StoredShape<'_>) -> Result<ProductEvent, WireError> {
    let event = match (stored.event_type, stored.event_version) {
        (ProductAdded::TYPE, "1") => {
            ProductAdded::try_from(stored.read::<ProductAddedV1<'_>>()?).map(ProductEvent::from)
        }
        (ProductDescribed::TYPE, "1") => Ok(ProductDescribed::from(stored.read::<ProductDescribedV1<'_>>()?).into()),
        (ProductRepriced::TYPE, "1") => {
            ProductRepriced::try_from(stored.read::<ProductRepricedV1<'_>>()?).map(ProductEvent::from)
        }
        (ProductWithdrawn::TYPE, "1") => Ok(ProductWithdrawn { sku: stored.read::<OnlySkuV1<'_>>()?.into() }.into()),
        (ProductRestored::TYPE, "1") => Ok(ProductRestored { sku: stored.read::<OnlySkuV1<'_>>()?.into() }.into()),
        _ => return Err(stored.unknown(AggregateType::Product, ProductEvent::TYPES)),
    };
    event.map_err(|fault: PartError| stored.malformed(&fault))
}

#[derive(Serialize, Deserialize)]
struct ProductAddedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    price: MoneyV1<'a>,
}

impl<'a> From<&'a ProductAdded> for ProductAddedV1<'a> {
    fn from(event: &'a ProductAdded) -> Self {
        Self {
            sku: event.sku.as_str().into(),
            name: event.name.as_str().into(),
            description: event.description.as_ref().map(|text| text.as_str().into()),
            price: event.price.into(),
        }
    }
}

impl TryFrom<ProductAddedV1<'_>> for ProductAdded {
    type Error = PartError;
    fn try_from(stored: ProductAddedV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            sku: Sku::stored(&stored.sku),
            name: ProductName::stored(&stored.name),
            description: stored.description.as_deref().map(Description::stored),
            price: stored.price.try_into()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ProductDescribedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    description: Option<Cow<'a, str>>,
}

impl<'a> From<&'a ProductDescribed> for ProductDescribedV1<'a> {
    fn from(event: &'a ProductDescribed) -> Self {
        Self {
            sku: event.sku.as_str().into(),
            name: event.name.as_str().into(),
            description: event.description.as_ref().map(|text| text.as_str().into()),
        }
    }
}

impl From<ProductDescribedV1<'_>> for ProductDescribed {
    fn from(stored: ProductDescribedV1<'_>) -> Self {
        Self {
            sku: Sku::stored(&stored.sku),
            name: ProductName::stored(&stored.name),
            description: stored.description.as_deref().map(Description::stored),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ProductRepricedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    price: MoneyV1<'a>,
    #[serde(borrow)]
    previous_price: MoneyV1<'a>,
}

impl<'a> From<&'a ProductRepriced> for ProductRepricedV1<'a> {
    fn from(event: &'a ProductRepriced) -> Self {
        Self { sku: event.sku.as_str().into(), price: event.price.into(), previous_price: event.previous_price.into() }
    }
}

impl TryFrom<ProductRepricedV1<'_>> for ProductRepriced {
    type Error = PartError;
    fn try_from(stored: ProductRepricedV1<'_>) -> Result<Self, PartError> {
        Ok(Self {
            sku: Sku::stored(&stored.sku),
            price: stored.price.try_into()?,
            previous_price: stored.previous_price.try_into()?,
        })
    }
}

/// The shape of both `ProductWithdrawn` and `ProductRestored`.
#[derive(Serialize, Deserialize)]
struct OnlySkuV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

impl<'a> From<&'a Sku> for OnlySkuV1<'a> {
    fn from(sku: &'a Sku) -> Self {
        Self { sku: sku.as_str().into() }
    }
}

impl From<OnlySkuV1<'_>> for Sku {
    fn from(stored: OnlySkuV1<'_>) -> Self {
        Sku::stored(&stored.sku)
    }
}
