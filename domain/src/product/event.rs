//! What can have happened to a product.

use super::{PictureName, Words};
use crate::language::Language;
use crate::money::Money;
use crate::sku::Sku;
use crate::slug::Slug;
use crate::text::{Description, ProductName};

/// A fact about one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductEvent {
    /// It entered the catalogue.
    ProductAdded(ProductAdded),
    /// Its name or description is another.
    ProductDescribed(ProductDescribed),
    /// Its price is another, for orders from now on.
    ProductRepriced(ProductRepriced),
    /// It can't be ordered any more.
    ProductWithdrawn(ProductWithdrawn),
    /// It can be ordered again.
    ProductRestored(ProductRestored),
    /// It stands in other categories.
    ProductCategorized(ProductCategorized),
    /// It is shown on the shop's first page.
    ProductFeatured(ProductFeatured),
    /// It is not shown there any more.
    ProductUnfeatured(ProductUnfeatured),
    /// Whether it has to be sent to somewhere is another, for orders from now on.
    ProductShippingChanged(ProductShippingChanged),
    /// Its picture is another.
    ProductPictured(ProductPictured),
    /// Its words in one language are others.
    ProductTranslated(ProductTranslated),
}

/// See [`ProductEvent::ProductAdded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductAdded {
    /// Its key.
    pub sku: Sku,
    /// Its name.
    pub name: ProductName,
    /// What it is.
    pub description: Option<Description>,
    /// What one costs.
    pub price: Money,
}

/// See [`ProductEvent::ProductDescribed`]. Holds both texts as they are from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDescribed {
    /// Its key.
    pub sku: Sku,
    /// Its name.
    pub name: ProductName,
    /// What it is.
    pub description: Option<Description>,
}

/// See [`ProductEvent::ProductRepriced`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRepriced {
    /// Its key.
    pub sku: Sku,
    /// What one costs from now on.
    pub price: Money,
    /// What one cost until now.
    pub previous_price: Money,
}

/// See [`ProductEvent::ProductWithdrawn`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductWithdrawn {
    /// Its key.
    pub sku: Sku,
}

/// See [`ProductEvent::ProductRestored`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRestored {
    /// Its key.
    pub sku: Sku,
}

/// See [`ProductEvent::ProductCategorized`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductCategorized {
    /// Its key.
    pub sku: Sku,
    /// All categories that it stands in from now on, in order, each once.
    pub categories: Vec<Slug>,
}

/// See [`ProductEvent::ProductFeatured`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFeatured {
    /// Its key.
    pub sku: Sku,
}

/// See [`ProductEvent::ProductUnfeatured`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductUnfeatured {
    /// Its key.
    pub sku: Sku,
}

/// See [`ProductEvent::ProductShippingChanged`]. A product that this never happened to has to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductShippingChanged {
    /// Its key.
    pub sku: Sku,
    /// Whether it has to be sent to somewhere from now on; not so what is digital.
    pub requires_shipping: bool,
}

/// See [`ProductEvent::ProductPictured`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPictured {
    /// Its key.
    pub sku: Sku,
    /// Its picture from now on, if it has one.
    pub picture: Option<PictureName>,
}

/// See [`ProductEvent::ProductTranslated`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTranslated {
    /// Its key.
    pub sku: Sku,
    /// In which language.
    pub language: Language,
    /// Its words there from now on; without them those in the shop's own language stand for them.
    pub words: Option<Words>,
}

crate::event::event_types!(ProductEvent {
    ProductAdded,
    ProductDescribed,
    ProductRepriced,
    ProductWithdrawn,
    ProductRestored,
    ProductCategorized,
    ProductFeatured,
    ProductUnfeatured,
    ProductShippingChanged,
    ProductPictured,
    ProductTranslated,
});
