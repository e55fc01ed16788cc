//! What can have happened to a category.

use crate::language::Language;
use crate::slug::Slug;
use crate::text::CategoryName;

/// A fact about one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryEvent {
    /// The shop has it from now on.
    CategoryAdded(CategoryAdded),
    /// Its name is another.
    CategoryRenamed(CategoryRenamed),
    /// Its name in one language is another.
    CategoryTranslated(CategoryTranslated),
    /// Nothing is shown under it any more.
    CategoryRemoved(CategoryRemoved),
    /// It is shown again.
    CategoryRestored(CategoryRestored),
}

/// See [`CategoryEvent::CategoryAdded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryAdded {
    /// Its key.
    pub slug: Slug,
    /// Its name, in the shop's own language.
    pub name: CategoryName,
}

/// See [`CategoryEvent::CategoryRenamed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRenamed {
    /// Its key.
    pub slug: Slug,
    /// Its name from now on.
    pub name: CategoryName,
}

/// See [`CategoryEvent::CategoryTranslated`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryTranslated {
    /// Its key.
    pub slug: Slug,
    /// In which language.
    pub language: Language,
    /// Its name there from now on; without one, the name in the shop's own language stands for it.
    pub name: Option<CategoryName>,
}

/// See [`CategoryEvent::CategoryRemoved`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRemoved {
    /// Its key.
    pub slug: Slug,
}

/// See [`CategoryEvent::CategoryRestored`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRestored {
    /// Its key.
    pub slug: Slug,
}

crate::event::event_types!(CategoryEvent {
    CategoryAdded,
    CategoryRenamed,
    CategoryTranslated,
    CategoryRemoved,
    CategoryRestored,
});
