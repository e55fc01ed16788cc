//! What the shop's products stand under. Answers `GET /v1/categories` and the shop's pages.

use crate::read::{Plan, rows_of};
use crate::{Projection, ProjectionError, ReadError, Seen, ViewTransaction, Views, Wants};
use chrono::{DateTime, Utc};
use commands::db::column;
use domain::category::{CategoryAdded, CategoryEvent};
use domain::{Event, Recorded};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, Row};
use std::collections::{BTreeMap, BTreeSet};

/// The categories, one row each.
pub struct Categories;

impl Projection for Categories {
    const NAME: &'static str = "categories";
    const VERSION: u32 = 1;
    const TABLES: &'static str = include_str!("categories.sql");
    const WANTS: Wants = Wants::types(CategoryEvent::TYPES);

    /// Reads the categories that the batch touches, folds its events into them, and writes them back whole.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut categories = known(batch, view).await?;
        for recorded in batch {
            let Event::Category(event) = &recorded.event else { continue };
            fold(&mut categories, recorded, event);
        }
        let rows: Vec<CategoryRow> = categories.into_values().collect();
        view.execute(upsert(&rows)).await?;
        Ok(())
    }
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryRow {
    /// Its key.
    pub slug: String,
    /// Its name, in the shop's own language.
    pub name: String,
    /// By language, its name there.
    pub translations: BTreeMap<String, String>,
    /// Whether it was removed: nothing is shown under it.
    pub removed: bool,
    /// Counts its events; what `If-Match` names.
    pub version: u64,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The most categories that are listed. A shop has dozens.
const MAX_LISTED: u32 = 1_000;

/// All categories in the order of their slugs, removed ones too; at most a thousand.
pub async fn list(views: &Views) -> Result<Seen<Vec<CategoryRow>>, ReadError> {
    let select = |schema: &str| {
        format!("SELECT true AS present, {COLUMNS} FROM {schema}.categories ORDER BY slug LIMIT {MAX_LISTED}")
    };
    let seen = views.read::<Categories>(Plan::Kept, select, "found.slug", |query| query).await?;
    let rows = rows_of::<Categories, CategoryRow>(&seen.value)?;
    Ok(seen.map(|_| rows))
}

const COLUMNS: &str = "slug, name, translations, removed, version, added_at, updated_at";

impl<'r> FromRow<'r, PgRow> for CategoryRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            slug: row.try_get("slug")?,
            name: row.try_get("name")?,
            translations: row.try_get::<Json<_>, _>("translations")?.0,
            removed: row.try_get("removed")?,
            version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            added_at: row.try_get("added_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// The rows of the categories that the batch touches, as they are before it.
async fn known(
    batch: &[&Recorded<Event>],
    view: &mut ViewTransaction<'_>,
) -> Result<BTreeMap<String, CategoryRow>, ProjectionError> {
    let slugs: BTreeSet<&str> = batch.iter().map(|recorded| &*recorded.aggregate_id).collect();
    let slugs: Vec<&str> = slugs.into_iter().collect();
    let sql = format!("SELECT {COLUMNS} FROM categories WHERE slug = ANY($1)");
    let rows: Vec<CategoryRow> = view.fetch_all(sqlx::query_as(&sql).bind(slugs)).await?;
    Ok(rows.into_iter().map(|row| (row.slug.clone(), row)).collect())
}

fn fold(categories: &mut BTreeMap<String, CategoryRow>, recorded: &Recorded<Event>, event: &CategoryEvent) {
    if let CategoryEvent::CategoryAdded(added) = event {
        categories.insert(recorded.aggregate_id.to_string(), added_row(recorded, added));
        return;
    }
    // Nothing happens to a category before it is added.
    let Some(category) = categories.get_mut(&*recorded.aggregate_id) else { return };
    match event {
        CategoryEvent::CategoryAdded(_) => {}
        CategoryEvent::CategoryRenamed(renamed) => category.name = renamed.name.as_str().to_owned(),
        CategoryEvent::CategoryTranslated(translated) => {
            let language = translated.language.as_str();
            match &translated.name {
                Some(name) => category.translations.insert(language.to_owned(), name.as_str().to_owned()),
                None => category.translations.remove(language),
            };
        }
        CategoryEvent::CategoryRemoved(_) => category.removed = true,
        CategoryEvent::CategoryRestored(_) => category.removed = false,
    }
    category.version = recorded.sequence;
    category.updated_at = recorded.metadata.occurred_at;
}

fn added_row(recorded: &Recorded<Event>, added: &CategoryAdded) -> CategoryRow {
    let occurred_at = recorded.metadata.occurred_at;
    CategoryRow {
        slug: recorded.aggregate_id.to_string(),
        name: added.name.as_str().to_owned(),
        translations: BTreeMap::new(),
        removed: false,
        version: recorded.sequence,
        added_at: occurred_at,
        updated_at: occurred_at,
    }
}

fn upsert(rows: &[CategoryRow]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO categories (slug, name, translations, removed, version, added_at, updated_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::boolean[], $5::bigint[], $6::timestamptz[],
                              $7::timestamptz[])
         ON CONFLICT (slug) DO UPDATE SET name = excluded.name, translations = excluded.translations,
                removed = excluded.removed, version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(column(rows, |row| row.slug.as_str()))
    .bind(column(rows, |row| row.name.as_str()))
    .bind(column(rows, |row| Json(&row.translations)))
    .bind(column(rows, |row| row.removed))
    .bind(column(rows, |row| row.version.cast_signed()))
    .bind(column(rows, |row| row.added_at))
    .bind(column(rows, |row| row.updated_at))
}
