//! Products and categories in a visitor's language, as lists show them.

use super::super::Page;
use crate::pictures::Size;
use consumers::language::Lang;
use projections::categories::CategoryRow;
use projections::products::ProductRow;

/// A product in a list.
pub(in crate::shop) struct Card {
    pub(in crate::shop) sku: String,
    pub(in crate::shop) name: String,
    pub(in crate::shop) description: Option<String>,
    pub(in crate::shop) price: String,
    /// Where its picture is, as a card shows it.
    pub(in crate::shop) picture: Option<String>,
    /// Where the same is, as the product's own page shows it.
    pub(in crate::shop) large_picture: Option<String>,
}

impl Card {
    pub(in crate::shop) fn of(row: &ProductRow, page: &Page) -> Self {
        let (name, description) = words(row, page.lang);
        Self {
            name: name.to_owned(),
            description: description.map(str::to_owned),
            price: page.money(&row.price),
            picture: row.picture.as_deref().map(|picture| page.picture(picture, Size::Medium)),
            large_picture: row.picture.as_deref().map(|picture| page.picture(picture, Size::Large)),
            sku: row.sku.clone(),
        }
    }

    pub(in crate::shop) fn all(rows: &[ProductRow], page: &Page) -> Vec<Self> {
        rows.iter().map(|row| Self::of(row, page)).collect()
    }
}

/// A product's name and description in the language, or in the shop's own.
pub(in crate::shop) fn words(row: &ProductRow, lang: Lang) -> (&str, Option<&str>) {
    match row.translations.get(lang.tag()) {
        // A description in another language than the name would be strange, but none at all is worse.
        Some(words) => (&words.name, words.description.as_deref().or(row.description.as_deref())),
        None => (&row.name, row.description.as_deref()),
    }
}

/// A category in the row of links.
pub(super) struct Shelf {
    pub(super) slug: String,
    pub(super) name: String,
    /// Whether the page is of it.
    pub(super) current: bool,
}

impl Shelf {
    /// Those that are shown. `current` is the slug of the page's own.
    pub(super) fn all(rows: &[CategoryRow], lang: Lang, current: Option<&str>) -> Vec<Self> {
        let shelf = |row: &CategoryRow| Self {
            current: current == Some(row.slug.as_str()),
            name: category_name(row, lang).to_owned(),
            slug: row.slug.clone(),
        };
        rows.iter().filter(|row| !row.removed).map(shelf).collect()
    }
}

/// A category's name in the language, or in the shop's own.
pub(super) fn category_name(row: &CategoryRow, lang: Lang) -> &str {
    row.translations.get(lang.tag()).unwrap_or(&row.name)
}
