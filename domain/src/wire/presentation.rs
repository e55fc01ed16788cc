//! Stored shapes of the events that say how the shop shows a product.

use crate::language::Language;
use crate::product::{
    PictureName, ProductCategorized, ProductFeatured, ProductPictured, ProductShippingChanged, ProductTranslated,
    ProductUnfeatured, Words,
};
use crate::sku::Sku;
use crate::slug::Slug;
use crate::text::{Description, ProductName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductCategorizedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    categories: Vec<Cow<'a, str>>,
}

impl<'a> From<&'a ProductCategorized> for ProductCategorizedV1<'a> {
    fn from(event: &'a ProductCategorized) -> Self {
        let categories = event.categories.iter().map(|slug| slug.as_str().into()).collect();
        Self { sku: event.sku.as_str().into(), categories }
    }
}

impl From<ProductCategorizedV1<'_>> for ProductCategorized {
    fn from(stored: ProductCategorizedV1<'_>) -> Self {
        let categories = stored.categories.iter().map(|slug| Slug::stored(slug)).collect();
        Self { sku: Sku::stored(&stored.sku), categories }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductFeaturedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

impl<'a> From<&'a ProductFeatured> for ProductFeaturedV1<'a> {
    fn from(event: &'a ProductFeatured) -> Self {
        Self { sku: event.sku.as_str().into() }
    }
}

impl From<ProductFeaturedV1<'_>> for ProductFeatured {
    fn from(stored: ProductFeaturedV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductUnfeaturedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

impl<'a> From<&'a ProductUnfeatured> for ProductUnfeaturedV1<'a> {
    fn from(event: &'a ProductUnfeatured) -> Self {
        Self { sku: event.sku.as_str().into() }
    }
}

impl From<ProductUnfeaturedV1<'_>> for ProductUnfeatured {
    fn from(stored: ProductUnfeaturedV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductShippingChangedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    requires_shipping: bool,
}

impl<'a> From<&'a ProductShippingChanged> for ProductShippingChangedV1<'a> {
    fn from(event: &'a ProductShippingChanged) -> Self {
        Self { sku: event.sku.as_str().into(), requires_shipping: event.requires_shipping }
    }
}

impl From<ProductShippingChangedV1<'_>> for ProductShippingChanged {
    fn from(stored: ProductShippingChangedV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku), requires_shipping: stored.requires_shipping }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductPicturedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    picture: Option<Cow<'a, str>>,
}

impl<'a> From<&'a ProductPictured> for ProductPicturedV1<'a> {
    fn from(event: &'a ProductPictured) -> Self {
        Self { sku: event.sku.as_str().into(), picture: event.picture.as_ref().map(|name| name.as_str().into()) }
    }
}

impl From<ProductPicturedV1<'_>> for ProductPictured {
    fn from(stored: ProductPicturedV1<'_>) -> Self {
        Self { sku: Sku::stored(&stored.sku), picture: stored.picture.as_deref().map(PictureName::stored) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductTranslatedV1<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    language: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    words: Option<WordsV1<'a>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WordsV1<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    description: Option<Cow<'a, str>>,
}

impl<'a> From<&'a ProductTranslated> for ProductTranslatedV1<'a> {
    fn from(event: &'a ProductTranslated) -> Self {
        let words = event.words.as_ref().map(|words| WordsV1 {
            name: words.name.as_str().into(),
            description: words.description.as_ref().map(|text| text.as_str().into()),
        });
        Self { sku: event.sku.as_str().into(), language: event.language.as_str().into(), words }
    }
}

impl From<ProductTranslatedV1<'_>> for ProductTranslated {
    fn from(stored: ProductTranslatedV1<'_>) -> Self {
        let words = stored.words.map(|words| Words {
            name: ProductName::stored(&words.name),
            description: words.description.as_deref().map(Description::stored),
        });
        Self { sku: Sku::stored(&stored.sku), language: Language::stored(&stored.language), words }
    }
}
