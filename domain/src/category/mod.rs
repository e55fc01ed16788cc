//! The category aggregate: under which headings the shop shows its products.

mod decide;
mod event;

pub use decide::{Changes, Command, Rejection, decide};
pub use event::{CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated};

use crate::language::Language;
use crate::slug::Slug;
use crate::text::CategoryName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most languages that a category has a name in, besides the shop's own.
pub const MAX_TRANSLATIONS: usize = 50;

/// What a category's events left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    /// None of this slug was ever added.
    #[default]
    Absent,
    /// It was added.
    Listed(Listed),
}

/// A category that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its key.
    pub slug: Slug,
    /// Its name, in the shop's own language.
    pub name: CategoryName,
    /// Its name in others.
    pub translations: BTreeMap<Language, CategoryName>,
    /// Whether it was removed: its products are not shown under it any more.
    pub removed: bool,
}

/// The state after `event`.
pub fn evolve(category: Category, event: &CategoryEvent) -> Category {
    match (category, event) {
        (Category::Absent, CategoryEvent::CategoryAdded(added)) => Category::Listed(Listed {
            slug: added.slug.clone(),
            name: added.name.clone(),
            translations: BTreeMap::new(),
            removed: false,
        }),
        (Category::Listed(listed), event) => Category::Listed(listed.evolve(event)),
        (Category::Absent, _) => Category::Absent,
    }
}

impl Listed {
    fn evolve(mut self, event: &CategoryEvent) -> Self {
        match event {
            CategoryEvent::CategoryAdded(_) => {}
            CategoryEvent::CategoryRenamed(renamed) => self.name = renamed.name.clone(),
            CategoryEvent::CategoryTranslated(translated) => {
                match &translated.name {
                    Some(name) => self.translations.insert(translated.language.clone(), name.clone()),
                    None => self.translations.remove(&translated.language),
                };
            }
            CategoryEvent::CategoryRemoved(_) => self.removed = true,
            CategoryEvent::CategoryRestored(_) => self.removed = false,
        }
        self
    }
}
