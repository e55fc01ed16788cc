//! The product aggregate: what the shop sells, and for how much.

mod decide;
mod event;
mod picture;

pub use decide::{Changes, Command, Presentation, Rejection, decide};
pub use event::{
    ProductAdded, ProductCategorized, ProductDescribed, ProductEvent, ProductFeatured, ProductPictured,
    ProductRepriced, ProductRestored, ProductShippingChanged, ProductTranslated, ProductUnfeatured, ProductWithdrawn,
};
pub use picture::{PictureName, PictureNameError};

use crate::language::Language;
use crate::money::Money;
use crate::sku::Sku;
use crate::slug::Slug;
use crate::text::{Description, ProductName};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The highest price a product may have, in any currency: 99,999,999.99.
pub const MAX_PRICE: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, 2);

/// The most categories that a product stands in.
pub const MAX_CATEGORIES: usize = 20;
/// The most languages that a product has words in, besides the shop's own.
pub const MAX_TRANSLATIONS: usize = 50;

/// Whether a product can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be ordered.
    Active,
    /// It is kept, but can't be ordered.
    Withdrawn,
}

/// What a product's events left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    /// No product of this sku was ever added.
    #[default]
    Absent,
    /// It is in the catalogue.
    Listed(Listed),
}

/// A product in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its key.
    pub sku: Sku,
    /// Its name.
    pub name: ProductName,
    /// What it is, in a few lines; may be missing.
    pub description: Option<Description>,
    /// What one costs.
    pub price: Money,
    /// Whether it can be ordered.
    pub status: Status,
    /// Whether it has to be sent to somewhere.
    pub requires_shipping: bool,
    /// The categories that it stands in.
    pub categories: Vec<Slug>,
    /// Whether it is shown on the shop's first page.
    pub featured: bool,
    /// Its picture, if it has one.
    pub picture: Option<PictureName>,
    /// Its words in other languages than the shop's own.
    pub translations: BTreeMap<Language, Words>,
}

/// What is said of a product in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Its name.
    pub name: ProductName,
    /// What it is, in a few lines; may be missing.
    pub description: Option<Description>,
}

/// The state after `event`.
pub fn evolve(product: Product, event: &ProductEvent) -> Product {
    match (product, event) {
        (Product::Absent, ProductEvent::ProductAdded(added)) => Product::Listed(Listed::added(added)),
        (Product::Listed(listed), event) => Product::Listed(listed.evolve(event)),
        (Product::Absent, _) => Product::Absent,
    }
}

impl Listed {
    fn added(added: &ProductAdded) -> Self {
        Self {
            sku: added.sku.clone(),
            name: added.name.clone(),
            description: added.description.clone(),
            price: added.price,
            status: Status::Active,
            requires_shipping: true,
            categories: Vec::new(),
            featured: false,
            picture: None,
            translations: BTreeMap::new(),
        }
    }

    fn evolve(mut self, event: &ProductEvent) -> Self {
        match event {
            ProductEvent::ProductAdded(_) => {}
            ProductEvent::ProductDescribed(described) => {
                self.name = described.name.clone();
                self.description = described.description.clone();
            }
            ProductEvent::ProductRepriced(repriced) => self.price = repriced.price,
            ProductEvent::ProductWithdrawn(_) => self.status = Status::Withdrawn,
            ProductEvent::ProductRestored(_) => self.status = Status::Active,
            ProductEvent::ProductCategorized(categorized) => self.categories.clone_from(&categorized.categories),
            ProductEvent::ProductFeatured(_) => self.featured = true,
            ProductEvent::ProductUnfeatured(_) => self.featured = false,
            ProductEvent::ProductShippingChanged(changed) => self.requires_shipping = changed.requires_shipping,
            ProductEvent::ProductPictured(pictured) => self.picture.clone_from(&pictured.picture),
            ProductEvent::ProductTranslated(translated) => {
                match &translated.words {
                    Some(words) => self.translations.insert(translated.language.clone(), words.clone()),
                    None => self.translations.remove(&translated.language),
                };
            }
        }
        self
    }
}
