//! What a command on a category comes to.

use super::event::{
    CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated,
};
use super::{Category, Listed, MAX_TRANSLATIONS};
use crate::decision::Decision;
use crate::language::Language;
use crate::slug::Slug;
use crate::text::CategoryName;
use std::collections::BTreeMap;

/// What can be asked of a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Add it.
    Add {
        /// Its key, for ever.
        slug: Slug,
        /// Its name, in the shop's own language.
        name: CategoryName,
        /// Its name in others.
        translations: BTreeMap<Language, CategoryName>,
    },
    /// Change what is named, keep the rest.
    Change(Changes),
    /// Show nothing under it any more.
    Remove,
    /// Show it again.
    Restore,
}

/// The changes of a [`Command::Change`]: what is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another name.
    pub name: Option<CategoryName>,
    /// By language another name, or none any more.
    pub translations: BTreeMap<Language, Option<CategoryName>>,
}

/// Why a command on a category is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A category of this slug exists, shown or removed.
    #[error("a category with this slug exists already")]
    AlreadyExists,
    /// There is no such category.
    #[error("there is no category with this slug")]
    NotFound,
    /// More than [`MAX_TRANSLATIONS`].
    #[error("a category has a name in at most {MAX_TRANSLATIONS} languages besides the shop's own")]
    TooManyTranslations,
}

/// Decides a command on one category.
pub fn decide(category: &Category, command: &Command) -> Decision<CategoryEvent, Rejection> {
    match (category, command) {
        (Category::Absent, Command::Add { translations, .. }) if translations.len() > MAX_TRANSLATIONS => {
            Decision::Rejected(Rejection::TooManyTranslations)
        }
        (Category::Absent, Command::Add { slug, name, translations }) => {
            Decision::Events(add(slug, name, translations))
        }
        (Category::Absent, _) => Decision::Rejected(Rejection::NotFound),
        (Category::Listed(_), Command::Add { .. }) => Decision::Rejected(Rejection::AlreadyExists),
        (Category::Listed(listed), Command::Change(changes)) => {
            change(listed, changes).map_or_else(Decision::Rejected, events_or_so)
        }
        (Category::Listed(listed), Command::Remove) => events_or_so(if listed.removed {
            vec![]
        } else {
            vec![CategoryRemoved { slug: listed.slug.clone() }.into()]
        }),
        (Category::Listed(listed), Command::Restore) => events_or_so(if listed.removed {
            vec![CategoryRestored { slug: listed.slug.clone() }.into()]
        } else {
            vec![]
        }),
    }
}

fn events_or_so(events: Vec<CategoryEvent>) -> Decision<CategoryEvent, Rejection> {
    if events.is_empty() { Decision::AlreadySo } else { Decision::Events(events) }
}

fn add(slug: &Slug, name: &CategoryName, translations: &BTreeMap<Language, CategoryName>) -> Vec<CategoryEvent> {
    let mut events = vec![CategoryAdded { slug: slug.clone(), name: name.clone() }.into()];
    events.extend(translations.iter().map(|(language, name)| translated(slug, language, Some(name))));
    events
}

fn change(listed: &Listed, changes: &Changes) -> Result<Vec<CategoryEvent>, Rejection> {
    let mut events = Vec::new();
    if let Some(name) = changes.name.as_ref().filter(|name| **name != listed.name) {
        events.push(CategoryRenamed { slug: listed.slug.clone(), name: name.clone() }.into());
    }
    let others: Vec<_> = changes
        .translations
        .iter()
        .filter(|(language, name)| listed.translations.get(language) != name.as_ref())
        .collect();
    let added = others.iter().filter(|(language, _)| !listed.translations.contains_key(language)).count();
    let removed = others.iter().filter(|(_, name)| name.is_none()).count();
    if listed.translations.len() + added - removed > MAX_TRANSLATIONS {
        return Err(Rejection::TooManyTranslations);
    }
    events.extend(others.into_iter().map(|(language, name)| translated(&listed.slug, language, name.as_ref())));
    Ok(events)
}

fn translated(slug: &Slug, language: &Language, name: Option<&CategoryName>) -> CategoryEvent {
    CategoryTranslated { slug: slug.clone(), language: language.clone(), name: name.cloned() }.into()
}
