//! What can have happened to a product.

use crate::money::Money;
use crate::sku::Sku;
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

crate::event::event_types!(ProductEvent {
    ProductAdded,
    ProductDescribed,
    ProductRepriced,
    ProductWithdrawn,
    ProductRestored,
});
