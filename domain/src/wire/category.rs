//! Stored shapes of the events of a category.

use super::{Encoded, Shape, encoded, schema};
use crate::category::{
    CategoryAdded, CategoryEvent, CategoryRemoved, CategoryRenamed, CategoryRestored, CategoryTranslated,
};
use crate::language::Language;
use crate::slug::Slug;
use crate::text::CategoryName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The versions ever written, of each type the oldest first.
pub(super) const SHAPES: &[Shape<CategoryEvent>] = &[
    Shape::of(CategoryAdded::TYPE, "1", schema::of::<CategoryAddedV1<'_>>, |stored| {
        stored.read(|v1: CategoryAddedV1<'_>| Ok(CategoryAdded::from(v1)))
    }),
    Shape::of(CategoryRenamed::TYPE, "1", schema::of::<CategoryRenamedV1<'_>>, |stored| {
        stored.read(|v1: CategoryRenamedV1<'_>| Ok(CategoryRenamed::from(v1)))
    }),
    Shape::of(CategoryTranslated::TYPE, "1", schema::of::<CategoryTranslatedV1<'_>>, |stored| {
        stored.read(|v1: CategoryTranslatedV1<'_>| Ok(CategoryTranslated::from(v1)))
    }),
    Shape::of(CategoryRemoved::TYPE, "1", schema::of::<CategoryRemovedV1<'_>>, |stored| {
        stored.read(|v1: CategoryRemovedV1<'_>| Ok(CategoryRemoved::from(v1)))
    }),
    Shape::of(CategoryRestored::TYPE, "1", schema::of::<CategoryRestoredV1<'_>>, |stored| {
        stored.read(|v1: CategoryRestoredV1<'_>| Ok(CategoryRestored::from(v1)))
    }),
];

pub(super) fn encode(event: &CategoryEvent) -> Encoded {
    match event {
        CategoryEvent::CategoryAdded(event) => encoded(CategoryAdded::TYPE, "1", CategoryAddedV1::from(event)),
        CategoryEvent::CategoryRenamed(event) => encoded(CategoryRenamed::TYPE, "1", CategoryRenamedV1::from(event)),
        CategoryEvent::CategoryTranslated(event) => {
            encoded(CategoryTranslated::TYPE, "1", CategoryTranslatedV1::from(event))
        }
        CategoryEvent::CategoryRemoved(event) => encoded(CategoryRemoved::TYPE, "1", CategoryRemovedV1::from(event)),
        CategoryEvent::CategoryRestored(event) => encoded(CategoryRestored::TYPE, "1", CategoryRestoredV1::from(event)),
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CategoryAddedV1<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl<'a> From<&'a CategoryAdded> for CategoryAddedV1<'a> {
    fn from(event: &'a CategoryAdded) -> Self {
        Self { slug: event.slug.as_str().into(), name: event.name.as_str().into() }
    }
}

impl From<CategoryAddedV1<'_>> for CategoryAdded {
    fn from(stored: CategoryAddedV1<'_>) -> Self {
        Self { slug: Slug::stored(&stored.slug), name: CategoryName::stored(&stored.name) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CategoryRenamedV1<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl<'a> From<&'a CategoryRenamed> for CategoryRenamedV1<'a> {
    fn from(event: &'a CategoryRenamed) -> Self {
        Self { slug: event.slug.as_str().into(), name: event.name.as_str().into() }
    }
}

impl From<CategoryRenamedV1<'_>> for CategoryRenamed {
    fn from(stored: CategoryRenamedV1<'_>) -> Self {
        Self { slug: Slug::stored(&stored.slug), name: CategoryName::stored(&stored.name) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CategoryTranslatedV1<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
    #[serde(borrow)]
    language: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    name: Option<Cow<'a, str>>,
}

impl<'a> From<&'a CategoryTranslated> for CategoryTranslatedV1<'a> {
    fn from(event: &'a CategoryTranslated) -> Self {
        Self {
            slug: event.slug.as_str().into(),
            language: event.language.as_str().into(),
            name: event.name.as_ref().map(|name| name.as_str().into()),
        }
    }
}

impl From<CategoryTranslatedV1<'_>> for CategoryTranslated {
    fn from(stored: CategoryTranslatedV1<'_>) -> Self {
        Self {
            slug: Slug::stored(&stored.slug),
            language: Language::stored(&stored.language),
            name: stored.name.as_deref().map(CategoryName::stored),
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CategoryRemovedV1<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
}

impl<'a> From<&'a CategoryRemoved> for CategoryRemovedV1<'a> {
    fn from(event: &'a CategoryRemoved) -> Self {
        Self { slug: event.slug.as_str().into() }
    }
}

impl From<CategoryRemovedV1<'_>> for CategoryRemoved {
    fn from(stored: CategoryRemovedV1<'_>) -> Self {
        Self { slug: Slug::stored(&stored.slug) }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CategoryRestoredV1<'a> {
    #[serde(borrow)]
    slug: Cow<'a, str>,
}

impl<'a> From<&'a CategoryRestored> for CategoryRestoredV1<'a> {
    fn from(event: &'a CategoryRestored) -> Self {
        Self { slug: event.slug.as_str().into() }
    }
}

impl From<CategoryRestoredV1<'_>> for CategoryRestored {
    fn from(stored: CategoryRestoredV1<'_>) -> Self {
        Self { slug: Slug::stored(&stored.slug) }
    }
}
