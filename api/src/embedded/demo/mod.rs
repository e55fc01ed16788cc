//! The demo's shop: a dozen products of the tea shop Leaf & Kettle, what they stand under, and their drawings.

mod products;

use super::directory::{self, DirectoryError};
use commands::{Aggregate, Answer, Catalogue, CommandError, Context, Gateway, Log, LogError, Submission};
use domain::category::{self, Category};
use domain::product::{self, PictureName, Presentation};
use domain::{Decision, Language, Money, Sku, Slug, text};
use futures::future::join_all;
use products::{CATEGORIES, PRODUCTS, Product, Words};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Who adds them, in the events.
const ACTOR: &str = "orders demo";
/// Bytes of a drawing's hash that are its name.
const NAME_BYTES: usize = 16;

/// Why the demo's shop is not there.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The drawings can't be kept.
    #[error(transparent)]
    Media(#[from] DirectoryError),
    /// A product or category was refused.
    #[error("the demo's {id} could not be added: {reason}")]
    Refused {
        /// Its key.
        id: &'static str,
        /// Why.
        reason: String,
    },
}

/// Adds the demo's shop to a log in which nothing else has happened yet. What a start that was cut off left out is
/// added by the next.
pub async fn stock(gateway: &Gateway, log: &Log, catalogue: &Catalogue) -> Result<(), DemoError> {
    let products: Vec<_> =
        PRODUCTS.iter().map(|product| Ok((product.sku, add_product(product)?))).collect::<Result<_, DemoError>>()?;
    let categories: Vec<_> =
        CATEGORIES.iter().map(|words| Ok((words.0, add_category(words)?))).collect::<Result<_, DemoError>>()?;
    let events = products
        .iter()
        .map(|(_, command)| events_of(&product::decide(&Default::default(), command)))
        .chain(categories.iter().map(|(_, command)| events_of(&category::decide(&Default::default(), command))));
    if log.head().await?.0 >= events.sum() {
        return Ok(());
    }
    // At once, so that they are written together.
    let products = join_all(products.into_iter().map(|(sku, command)| {
        let there = |rejection: &product::Rejection| matches!(rejection, product::Rejection::AlreadyExists);
        add::<product::Product>(gateway, sku, command, there)
    }));
    let categories = join_all(categories.into_iter().map(|(slug, command)| {
        let there = |rejection: &category::Rejection| matches!(rejection, category::Rejection::AlreadyExists);
        add::<Category>(gateway, slug, command, there)
    }));
    let (products, categories) = futures::join!(products, categories);
    products.into_iter().chain(categories).collect::<Result<(), DemoError>>()?;
    Ok(catalogue.refresh().await?)
}

/// Puts the drawings into the folder of media, as far as they are not there.
pub fn draw(media: &Path) -> Result<(), DemoError> {
    directory::make_private(media)?;
    for product in &PRODUCTS {
        let path = media.join(drawing_name(product.drawing));
        if !path.exists() {
            directory::write_whole(&path, product.drawing.as_bytes())?;
        }
    }
    Ok(())
}

/// The same drawing has the same name for ever, and another drawing another.
fn drawing_name(drawing: &str) -> String {
    let digest = Sha256::digest(drawing);
    let mut name: String = digest[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    name.push_str(".svg");
    name
}

fn events_of<E, R>(decision: &Decision<E, R>) -> u64 {
    match decision {
        Decision::Events(events) => events.len() as u64,
        Decision::AlreadySo | Decision::Rejected(_) => 0,
    }
}

async fn add<A: Aggregate>(
    gateway: &Gateway,
    id: &'static str,
    command: A::Command,
    is_there: impl Fn(&A::Rejection) -> bool,
) -> Result<(), DemoError> {
    let context = Context {
        actor: ACTOR.to_owned(),
        correlation_id: uuid::Uuid::now_v7().to_string(),
        causation_id: None,
        traceparent: None,
        locale: None,
        occurred_at: chrono::Utc::now(),
    };
    let submission = Submission::<A> {
        id: id.to_owned(),
        command,
        fresh_id: false,
        expected_version: None,
        context,
        key: None,
        // Nobody reads it.
        answer: Arc::new(|_| Answer { status: 201, location: None, etag: None, body: String::new() }),
        admission: None,
    };
    match gateway.submit(submission).await {
        Ok(_) => Ok(()),
        Err(CommandError::Rejected { rejection, .. }) if is_there(&rejection) => Ok(()),
        Err(error) => Err(DemoError::Refused { id, reason: error.to_string() }),
    }
}

fn add_product(product: &Product) -> Result<product::Command, DemoError> {
    let refused = |reason: String| DemoError::Refused { id: product.sku, reason };
    let (name, description) = words(product.en).map_err(refused)?;
    let mut translations = BTreeMap::new();
    for (tag, translated) in [("ko", product.ko), ("zh-Hans", product.zh)] {
        let (name, description) = words(translated).map_err(refused)?;
        translations
            .insert(language(tag).map_err(refused)?, Some(product::Words { name, description: Some(description) }));
    }
    let picture = PictureName::parse(&drawing_name(product.drawing)).map_err(|error| refused(error.to_string()))?;
    Ok(product::Command::Add {
        sku: Sku::parse(product.sku).map_err(|error| refused(error.to_string()))?,
        name,
        description: Some(description),
        price: Money::parse(product.price, "USD").map_err(|error| refused(error.to_string()))?,
        presentation: Presentation {
            categories: Some(vec![Slug::parse(product.category).map_err(|error| refused(error.to_string()))?]),
            featured: Some(product.featured),
            requires_shipping: Some(!product.digital),
            picture: Some(Some(picture)),
            translations,
        },
    })
}

fn add_category(&(slug, en, ko, zh): &(&'static str, &str, &str, &str)) -> Result<category::Command, DemoError> {
    let refused = |reason: String| DemoError::Refused { id: slug, reason };
    let name = |text: &str| text::CategoryName::parse(text).map_err(|error| refused(error.to_string()));
    let mut translations = BTreeMap::new();
    for (tag, translated) in [("ko", ko), ("zh-Hans", zh)] {
        translations.insert(language(tag).map_err(refused)?, name(translated)?);
    }
    let slug = Slug::parse(slug).map_err(|error| refused(error.to_string()))?;
    Ok(category::Command::Add { slug, name: name(en)?, translations })
}

fn words((name, description): Words) -> Result<(text::ProductName, text::Description), String> {
    let name = text::ProductName::parse(name).map_err(|error| error.to_string())?;
    Ok((name, text::Description::parse(description).map_err(|error| error.to_string())?))
}

fn language(tag: &str) -> Result<Language, String> {
    Language::parse(tag).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_domain_takes_every_product_and_category() {
        for product in &PRODUCTS {
            let command = add_product(product).unwrap_or_else(|error| panic!("{error}"));
            assert!(events_of(&product::decide(&Default::default(), &command)) >= 5, "{}", product.sku);
            assert!(CATEGORIES.iter().any(|(slug, ..)| *slug == product.category), "{}", product.sku);
        }
        for words in &CATEGORIES {
            let command = add_category(words).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(events_of(&category::decide(&Default::default(), &command)), 3);
        }
    }

    #[test]
    fn a_drawing_is_small_and_runs_nothing() {
        for Product { sku, drawing, .. } in &PRODUCTS {
            assert!(drawing.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && drawing.len() < 4_096, "{sku}");
            for active in ["<script", "href", "<style", "<foreignObject", " on"] {
                assert!(!drawing.contains(active), "{sku}: {active}");
            }
        }
    }

    #[test]
    fn drawings_are_kept_once() {
        let top = tempfile::tempdir().unwrap();
        let media = top.path().join("media");
        draw(&media).unwrap();
        let one = media.join(drawing_name(PRODUCTS[0].drawing));
        fs::write(&one, "mended by hand").unwrap();
        draw(&media).unwrap();
        assert_eq!(fs::read_dir(&media).unwrap().count(), PRODUCTS.len());
        assert_eq!(fs::read_to_string(&one).unwrap(), "mended by hand");
    }
}
