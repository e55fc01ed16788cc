//! What a product's events make of its row.

use super::row::{ProductRow, WordsRow};
use domain::product::{ProductAdded, ProductEvent, Status, Words};
use domain::{Event, Recorded};
use std::collections::BTreeMap;

pub(super) fn fold(products: &mut BTreeMap<String, ProductRow>, recorded: &Recorded<Event>, event: &ProductEvent) {
    if let ProductEvent::ProductAdded(added) = event {
        products.insert(recorded.aggregate_id.to_string(), added_row(recorded, added));
        return;
    }
    // Nothing happens to a product before it is added.
    let Some(product) = products.get_mut(&*recorded.aggregate_id) else { return };
    change(product, event);
    product.version = recorded.sequence;
    product.updated_at = recorded.metadata.occurred_at;
}

fn change(product: &mut ProductRow, event: &ProductEvent) {
    match event {
        ProductEvent::ProductAdded(_) => {}
        ProductEvent::ProductDescribed(described) => {
            product.name = described.name.as_str().to_owned();
            product.description = described.description.as_ref().map(|text| text.as_str().to_owned());
        }
        ProductEvent::ProductRepriced(repriced) => product.price = repriced.price,
        ProductEvent::ProductWithdrawn(_) => product.status = Status::Withdrawn,
        ProductEvent::ProductRestored(_) => product.status = Status::Active,
        ProductEvent::ProductCategorized(categorized) => {
            product.categories = categorized.categories.iter().map(|slug| slug.as_str().to_owned()).collect();
        }
        ProductEvent::ProductFeatured(_) => product.featured = true,
        ProductEvent::ProductUnfeatured(_) => product.featured = false,
        ProductEvent::ProductShippingChanged(changed) => product.requires_shipping = changed.requires_shipping,
        ProductEvent::ProductPictured(pictured) => {
            product.picture = pictured.picture.as_ref().map(|name| name.as_str().to_owned());
        }
        ProductEvent::ProductTranslated(translated) => {
            let language = translated.language.as_str();
            match &translated.words {
                Some(words) => product.translations.insert(language.to_owned(), words_row(words)),
                None => product.translations.remove(language),
            };
        }
    }
}

fn added_row(recorded: &Recorded<Event>, added: &ProductAdded) -> ProductRow {
    let occurred_at = recorded.metadata.occurred_at;
    ProductRow {
        sku: recorded.aggregate_id.to_string(),
        name: added.name.as_str().to_owned(),
        description: added.description.as_ref().map(|text| text.as_str().to_owned()),
        price: added.price,
        status: Status::Active,
        requires_shipping: true,
        categories: Vec::new(),
        featured: false,
        picture: None,
        translations: BTreeMap::new(),
        version: recorded.sequence,
        added_at: occurred_at,
        updated_at: occurred_at,
    }
}

fn words_row(words: &Words) -> WordsRow {
    WordsRow {
        name: words.name.as_str().to_owned(),
        description: words.description.as_ref().map(|text| text.as_str().to_owned()),
    }
}
