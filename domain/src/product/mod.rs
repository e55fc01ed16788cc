//! The product aggregate: what the shop sells, and for how much.

mod decide;
mod event;

pub use decide::{Changes, Command, Rejection, decide};
pub use event::{ProductAdded, ProductDescribed, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn};

use crate::money::Money;
use crate::sku::Sku;
use crate::text::{Description, ProductName};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The highest price a product may have, in any currency: 99,999,999.99.
pub const MAX_PRICE: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, 2);

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
}

/// The state after `event`.
pub fn evolve(product: Product, event: &ProductEvent) -> Product {
    match (product, event) {
        (Product::Absent, ProductEvent::ProductAdded(added)) => Product::Listed(Listed {
            sku: added.sku.clone(),
            name: added.name.clone(),
            description: added.description.clone(),
            price: added.price,
            status: Status::Active,
        }),
        (Product::Listed(listed), event) => Product::Listed(listed.evolve(event)),
        (Product::Absent, _) => Product::Absent,
    }
}

impl Listed {
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
        }
        self
    }
}
