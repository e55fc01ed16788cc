//! What a command on a product comes to.

use super::event::{ProductAdded, ProductDescribed, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn};
use super::{Listed, MAX_PRICE, Product, Status};
use crate::decision::Decision;
use crate::money::Money;
use crate::sku::Sku;
use crate::text::{Description, ProductName};

/// What can be asked of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Add it to the catalogue.
    Add {
        /// Its key, for ever.
        sku: Sku,
        /// Its name.
        name: ProductName,
        /// What it is.
        description: Option<Description>,
        /// What one costs.
        price: Money,
    },
    /// Change what is named, keep the rest.
    Change(Changes),
    /// Take it out of sale.
    Withdraw,
    /// Put it back on sale.
    Restore,
}

/// The changes of a [`Command::Change`]: `None` keeps what is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another name.
    pub name: Option<ProductName>,
    /// Another description, or (inner `None`) none any more.
    pub description: Option<Option<Description>>,
    /// Another price.
    pub price: Option<Money>,
}

/// Why a command on a product is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A product of this sku exists, on sale or withdrawn.
    #[error("a product with this sku exists already")]
    AlreadyExists,
    /// There is no such product.
    #[error("there is no product with this sku")]
    NotFound,
    /// Above [`MAX_PRICE`].
    #[error("a price is at most 99999999.99")]
    PriceTooHigh,
}

/// Decides a command on one product.
pub fn decide(product: &Product, command: &Command) -> Decision<ProductEvent, Rejection> {
    match (product, command) {
        (Product::Absent, Command::Add { sku, name, description, price }) => {
            add(sku.clone(), name.clone(), description.clone(), *price)
        }
        (Product::Absent, _) => Decision::Rejected(Rejection::NotFound),
        (Product::Listed(_), Command::Add { .. }) => Decision::Rejected(Rejection::AlreadyExists),
        (Product::Listed(listed), Command::Change(changes)) => change(listed, changes),
        (Product::Listed(listed), Command::Withdraw) => withdraw(listed),
        (Product::Listed(listed), Command::Restore) => restore(listed),
    }
}

fn add(
    sku: Sku,
    name: ProductName,
    description: Option<Description>,
    price: Money,
) -> Decision<ProductEvent, Rejection> {
    if price.amount() > MAX_PRICE {
        return Decision::Rejected(Rejection::PriceTooHigh);
    }
    Decision::Events(vec![ProductAdded { sku, name, description, price }.into()])
}

fn change(listed: &Listed, changes: &Changes) -> Decision<ProductEvent, Rejection> {
    let name = changes.name.as_ref().unwrap_or(&listed.name);
    let description = changes.description.as_ref().unwrap_or(&listed.description);
    let price = changes.price.unwrap_or(listed.price);
    if price.amount() > MAX_PRICE {
        return Decision::Rejected(Rejection::PriceTooHigh);
    }
    let mut events = Vec::new();
    if (name, description) != (&listed.name, &listed.description) {
        let described =
            ProductDescribed { sku: listed.sku.clone(), name: name.clone(), description: description.clone() };
        events.push(described.into());
    }
    if price != listed.price {
        events.push(ProductRepriced { sku: listed.sku.clone(), price, previous_price: listed.price }.into());
    }
    if events.is_empty() { Decision::AlreadySo } else { Decision::Events(events) }
}

fn withdraw(listed: &Listed) -> Decision<ProductEvent, Rejection> {
    match listed.status {
        Status::Withdrawn => Decision::AlreadySo,
        Status::Active => Decision::Events(vec![ProductWithdrawn { sku: listed.sku.clone() }.into()]),
    }
}

fn restore(listed: &Listed) -> Decision<ProductEvent, Rejection> {
    match listed.status {
        Status::Active => Decision::AlreadySo,
        Status::Withdrawn => Decision::Events(vec![ProductRestored { sku: listed.sku.clone() }.into()]),
    }
}
