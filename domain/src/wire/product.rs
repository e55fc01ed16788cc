//! Stored shapes of the events of a product.

use super::parts::{MoneyV1, PartError};
use super::presentation::{
    ProductCategorizedV1, ProductFeaturedV1, ProductPicturedV1, ProductShippingChangedV1, ProductTranslatedV1,
    ProductUnfeaturedV1,
};
use super::{Encoded, Shape, encoded, schema};
use crate::product::{
    ProductAdded, ProductCategorized, ProductDescribed, ProductEvent, ProductFeatured, ProductPictured,
    ProductRepriced, ProductRestored, ProductShippingChanged, ProductTranslated, ProductUnfeatured, ProductWithdrawn,
};
use crate::sku::Sku;
use crate::text::{Description, ProductName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The versions ever written, of each type the oldest first.
pub(super) const SHAPES: &[Shape<ProductEvent>] = &[
    Shape::of(ProductAdded::TYPE, "1", schema::of::<ProductAddedV1<'_>>, |stored| {
        stored.read(|v1: ProductAddedV1<'_>| ProductAdded::try_from(v1))
    }),
    Shape::of(ProductDescribed::TYPE, "1", schema::of::<ProductDescribedV1<'_>>, |stored| {
        stored.read(|v1: ProductDescribedV1<'_>| Ok(ProductDescribed::from(v1)))
    }),
    Shape::of(ProductRepriced::TYPE, "1", schema::of::<ProductRepricedV1<'_>>, |stored| {
        stored.read(|v1: ProductRepricedV1<'_>| ProductRepriced::try_from(v1))
    }),
    Shape::of(ProductWithdrawn::TYPE, "1", schema::of::<ProductWithdrawnV1<'_>>, |stored| {
        stored.read(|v1: ProductWithdrawnV1<'_>| Ok(ProductWithdrawn::from(v1)))
    }),
    Shape::of(ProductRestored::TYPE, "1", schema::of::<ProductRestoredV1<'_>>, |stored| {
        stored.read(|v1: ProductRestoredV1<'_>| Ok(ProductRestored::from(v1)))
    }),
    Shape::of(ProductCategorized::TYPE, "1", schema::of::<ProductCategorizedV1<'_>>, |stored| {
        stored.read(|v1: ProductCategorizedV1<'_>| Ok(ProductCategorized::from(v1)))
    }),
    Shape::of(ProductFeatured::TYPE, "1", schema::of::<ProductFeaturedV1<'_>>, |stored| {
        stored.read(|v1: ProductFeaturedV1<'_>| Ok(ProductFeatured::from(v1)))
    }),
    Shape::of(ProductUnfeatured::TYPE, "1", schema::of::<ProductUnfeaturedV1<'_>>, |stored| {
        stored.read(|v1: ProductUnfeaturedV1<'_>| Ok(ProductUnfeatured::from(v1)))
    }),
    Shape::of(ProductShippingChanged::TYPE, "1", schema::of::<ProductShippingChangedV1<'_>>, |stored| {
        stored.read(|v1: ProductShippingChangedV1<'_>| Ok(ProductShippingChanged::from(v1)))
    }),
    Shape::of(ProductPictured::TYPE, "1", schema::of::<ProductPicturedV1<'_>>, |stored| {
        stored.read(|v1: ProductPicturedV1<'_>| Ok(ProductPictured::from(v1)))
    }),
    Shape::of(ProductTranslated::TYPE, "1", schema::of::<ProductTranslatedV1<'_>>, |stored| {
        stored.read(|v1: ProductTranslatedV1<'_>| Ok(ProductTranslated::from(v1)))
    }),
];

pub(super) fn encode(event: &ProductEvent) -> Encoded {
    match event {
        ProductEvent::ProductAdded(event) => encoded(ProductAdded::TYPE, "1", ProductAddedV1::from(event)),
        ProductEvent::ProductDescribed(event) => encoded(ProductDescribed::TYPE, "1", ProductDescribedV1::from(event)),
        ProductEvent::ProductRepriced(event) => encoded(ProductRepriced::TYPE, "1", ProductRepricedV1::from(event)),
        ProductEvent::ProductWithdrawn(event) => encoded(ProductWithdrawn::TYPE, "1", ProductWithdrawnV1::from(event)),
        ProductEvent::ProductRestored(event) => encoded(ProductRestored::TYPE, "1", ProductRestoredV1::from(event)),
        ProductEvent::ProductCategorized(event) => {
            encoded(ProductCategorized::TYPE, "1", ProductCategorizedV1::from(event))
        }
        ProductEvent::ProductFeatured(event) => encoded(ProductFeatured::TYPE, "1", ProductFeaturedV1::from(event)),
        ProductEvent::ProductUnfeatured(event) => {
            encoded(ProductUnfeatured::TYPE, "1", ProductUnfeaturedV1::from(event))
        }
        ProductEvent::ProductShippingChanged(event) => {
            encoded(ProductShippingChanged::TYPE, "1", ProductShippingChangedV1::from(event))
        }
        ProductEvent::ProductPictured(event) => encoded(ProductPictured::TYPE, "1", ProductPicturedV1::from(event)),
        ProductEvent::ProductTranslated(event) => {
            encoded(ProductTranslated::TYPE, "1", ProductTranslatedV1::from(event))
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProductWithdrawnV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

impl<'a> From<&'a ProductWithdrawn> for ProductWithdrawnV1<'a> {
    fn from(event: &'a ProductWithdrawn) -> Self {
        Self { sku: event.sku.as_str().into() }
    }
}

impl From<ProductWithdrawnV1<'_>> for ProductWithdrawn {
    fn from(stored: ProductWithdrawnV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProductRestoredV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

impl<'a> From<&'a ProductRestored> for ProductRestoredV1<'a> {
    fn from(event: &'a ProductRestored) -> Self {
        Self { sku: event.sku.as_str().into() }
    }
}

impl From<ProductRestoredV1<'_>> for ProductRestored {
    fn from(stored: ProductRestoredV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku) }
    }
}
