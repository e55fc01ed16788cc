//! What a command on a product comes to.

use super::event::{
    ProductAdded, ProductCategorized, ProductDescribed, ProductEvent, ProductFeatured, ProductPictured,
    ProductRepriced, ProductRestored, ProductShippingChanged, ProductTranslated, ProductUnfeatured, ProductWithdrawn,
};
use super::{Listed, MAX_CATEGORIES, MAX_PRICE, MAX_TRANSLATIONS, PictureName, Product, Status, Words};
use crate::decision::Decision;
use crate::language::Language;
use crate::money::Money;
use crate::sku::Sku;
use crate::slug::Slug;
use crate::text::{Description, ProductName};
use std::collections::BTreeMap;

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
        /// How the shop shows it from the first.
        presentation: Presentation,
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
    /// How the shop shows it.
    pub presentation: Presentation,
}

/// How the shop shows a product: `None`, and a language that is not named, keeps what is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presentation {
    /// All categories that it stands in; one named twice counts once.
    pub categories: Option<Vec<Slug>>,
    /// Whether it is shown on the first page.
    pub featured: Option<bool>,
    /// Whether it has to be sent to somewhere.
    pub requires_shipping: Option<bool>,
    /// Its picture, or (inner `None`) none any more.
    pub picture: Option<Option<PictureName>>,
    /// By language its words, or none any more.
    pub translations: BTreeMap<Language, Option<Words>>,
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
    /// More than [`MAX_CATEGORIES`].
    #[error("a product stands in at most {MAX_CATEGORIES} categories")]
    TooManyCategories,
    /// More than [`MAX_TRANSLATIONS`].
    #[error("a product has words in at most {MAX_TRANSLATIONS} languages besides the shop's own")]
    TooManyTranslations,
}

/// Decides a command on one product.
pub fn decide(product: &Product, command: &Command) -> Decision<ProductEvent, Rejection> {
    let decided = match (product, command) {
        (Product::Absent, Command::Add { sku, name, description, price, presentation }) => {
            let (sku, name, description) = (sku.clone(), name.clone(), description.clone());
            add(ProductAdded { sku, name, description, price: *price }, presentation)
        }
        (Product::Absent, _) => Err(Rejection::NotFound),
        (Product::Listed(_), Command::Add { .. }) => Err(Rejection::AlreadyExists),
        (Product::Listed(listed), Command::Change(changes)) => change(listed, changes),
        (Product::Listed(listed), Command::Withdraw) => Ok(withdraw(listed)),
        (Product::Listed(listed), Command::Restore) => Ok(restore(listed)),
    };
    match decided {
        Err(rejection) => Decision::Rejected(rejection),
        Ok(events) if events.is_empty() => Decision::AlreadySo,
        Ok(events) => Decision::Events(events),
    }
}

fn add(added: ProductAdded, presentation: &Presentation) -> Result<Vec<ProductEvent>, Rejection> {
    check_price(added.price)?;
    let shown = present(&Listed::added(&added), presentation)?;
    let mut events = vec![added.into()];
    events.extend(shown);
    Ok(events)
}

fn change(listed: &Listed, changes: &Changes) -> Result<Vec<ProductEvent>, Rejection> {
    let sku = || listed.sku.clone();
    let name = changes.name.as_ref().unwrap_or(&listed.name);
    let description = changes.description.as_ref().unwrap_or(&listed.description);
    let price = changes.price.unwrap_or(listed.price);
    check_price(price)?;
    let mut events = Vec::new();
    if (name, description) != (&listed.name, &listed.description) {
        events.push(ProductDescribed { sku: sku(), name: name.clone(), description: description.clone() }.into());
    }
    if price != listed.price {
        events.push(ProductRepriced { sku: sku(), price, previous_price: listed.price }.into());
    }
    events.extend(present(listed, &changes.presentation)?);
    Ok(events)
}

fn check_price(price: Money) -> Result<(), Rejection> {
    if price.amount() > MAX_PRICE { Err(Rejection::PriceTooHigh) } else { Ok(()) }
}

/// One event for each part that is another than it was.
fn present(listed: &Listed, to: &Presentation) -> Result<Vec<ProductEvent>, Rejection> {
    let sku = || listed.sku.clone();
    let mut events = Vec::new();
    if let Some(categories) = &to.categories {
        let categories = each_once(categories);
        if categories.len() > MAX_CATEGORIES {
            return Err(Rejection::TooManyCategories);
        }
        if categories != listed.categories {
            events.push(ProductCategorized { sku: sku(), categories }.into());
        }
    }
    if let Some(featured) = to.featured.filter(|featured| *featured != listed.featured) {
        events.push(if featured {
            ProductFeatured { sku: sku() }.into()
        } else {
            ProductUnfeatured { sku: sku() }.into()
        });
    }
    if let Some(requires_shipping) = to.requires_shipping.filter(|requires| *requires != listed.requires_shipping) {
        events.push(ProductShippingChanged { sku: sku(), requires_shipping }.into());
    }
    if let Some(picture) = to.picture.as_ref().filter(|picture| **picture != listed.picture) {
        events.push(ProductPictured { sku: sku(), picture: picture.clone() }.into());
    }
    events.extend(translate(listed, &to.translations)?);
    Ok(events)
}

fn translate(
    listed: &Listed,
    translations: &BTreeMap<Language, Option<Words>>,
) -> Result<Vec<ProductEvent>, Rejection> {
    let others: Vec<_> =
        translations.iter().filter(|(language, words)| listed.translations.get(language) != words.as_ref()).collect();
    let added = others.iter().filter(|(language, _)| !listed.translations.contains_key(language)).count();
    let removed = others.iter().filter(|(_, words)| words.is_none()).count();
    if listed.translations.len() + added - removed > MAX_TRANSLATIONS {
        return Err(Rejection::TooManyTranslations);
    }
    let event = |(language, words): (&Language, &Option<Words>)| {
        ProductTranslated { sku: listed.sku.clone(), language: language.clone(), words: words.clone() }.into()
    };
    Ok(others.into_iter().map(event).collect())
}

/// The same in the same order, without what stood there before; no more than one too many.
fn each_once(categories: &[Slug]) -> Vec<Slug> {
    let mut kept: Vec<Slug> = Vec::new();
    for slug in categories {
        if !kept.contains(slug) && kept.len() <= MAX_CATEGORIES {
            kept.push(slug.clone());
        }
    }
    kept
}

fn withdraw(listed: &Listed) -> Vec<ProductEvent> {
    match listed.status {
        Status::Withdrawn => vec![],
        Status::Active => vec![ProductWithdrawn { sku: listed.sku.clone() }.into()],
    }
}

fn restore(listed: &Listed) -> Vec<ProductEvent> {
    match listed.status {
        Status::Active => vec![],
        Status::Withdrawn => vec![ProductRestored { sku: listed.sku.clone() }.into()],
    }
}
