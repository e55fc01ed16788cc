//! How the shop shows a product: the members that `POST /v1/products` and `PATCH /v1/products/{sku}` have in common.

use crate::http::body::{Fields, Patch};
use domain::product::{MAX_CATEGORIES, MAX_TRANSLATIONS, PictureName, Presentation, Words};
use domain::text::{Description, ProductName};
use domain::{Language, Slug};

/// Reads `categories`, `featured`, `requires_shipping`, `picture` and `translations`; what is not there stays as it is.
pub(super) fn presentation(body: &mut Fields<'_, '_>) -> Option<Presentation> {
    let categories = body.changed_texts("categories", MAX_CATEGORIES, Slug::parse);
    let featured = body.changed_flag("featured");
    let requires_shipping = body.changed_flag("requires_shipping");
    let picture = body.patched_text("picture", PictureName::parse);
    let translations = body.changed_entries("translations", MAX_TRANSLATIONS, Language::parse, |entries, language| {
        entries.object(language, words)
    });
    let picture = match picture? {
        Patch::Keep => None,
        Patch::Remove => Some(None),
        Patch::Set(picture) => Some(Some(picture)),
    };
    Some(Presentation {
        categories: categories?,
        featured: featured?,
        requires_shipping: requires_shipping?,
        picture,
        translations: translations?,
    })
}

fn words(fields: &mut Fields<'_, '_>) -> Option<Words> {
    let name = fields.text("name", ProductName::parse);
    let description = fields.optional_text("description", Description::parse);
    Some(Words { name: name?, description: description? })
}
