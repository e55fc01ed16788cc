//! What the shop sells, for how much, and how it shows it. Answers `GET /v1/products` and the shop's pages.

mod fold;
mod reads;
mod row;

pub use reads::{Shelf, Stock, get, list, of_skus, shown, stock};
pub use row::{ProductRow, WordsRow};

use crate::{Projection, ProjectionError, ViewTransaction, Wants};
use commands::db::column;
use domain::product::ProductEvent;
use domain::{Event, Recorded};
use row::{COLUMNS, status_text};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};

/// The catalogue as a list, one row per product.
pub struct Products;

impl Projection for Products {
    const NAME: &'static str = "products";
    /// 2: how the shop shows a product.
    const VERSION: u32 = 2;
    const TABLES: &'static str = include_str!("products.sql");
    const INDEXES: &'static str = include_str!("products_indexes.sql");
    // All of them: each counts in the version that `If-Match` names.
    const WANTS: Wants = Wants::types(ProductEvent::TYPES);

    /// Reads the products that the batch touches, folds its events into them, and writes them back whole.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut products = known(batch, view).await?;
        for recorded in batch {
            let Event::Product(event) = &recorded.event else { continue };
            fold::fold(&mut products, recorded, event);
        }
        let rows: Vec<ProductRow> = products.into_values().collect();
        view.execute(upsert(&rows)).await?;
        Ok(())
    }
}

/// The rows of the products that the batch touches, as they are before it.
async fn known(
    batch: &[&Recorded<Event>],
    view: &mut ViewTransaction<'_>,
) -> Result<BTreeMap<String, ProductRow>, ProjectionError> {
    let skus: BTreeSet<&str> = batch.iter().map(|recorded| &*recorded.aggregate_id).collect();
    let skus: Vec<&str> = skus.into_iter().collect();
    let sql = format!("SELECT {COLUMNS} FROM products WHERE sku = ANY($1)");
    let rows: Vec<ProductRow> = view.fetch_all(sqlx::query_as(&sql).bind(skus)).await?;
    Ok(rows.into_iter().map(|row| (row.sku.clone(), row)).collect())
}

fn upsert(rows: &[ProductRow]) -> Query<'_, Postgres, PgArguments> {
    // An array of arrays would have to be a rectangle: the categories of a row travel as JSON.
    sqlx::query(
        "INSERT INTO products
                (sku, name, description, price, currency, status, requires_shipping, categories, featured, picture,
                 translations, search_text, version, added_at, updated_at)
         SELECT u.sku, u.name, u.description, u.price, u.currency, u.status, u.requires_shipping,
                ARRAY(SELECT jsonb_array_elements_text(u.categories)), u.featured, u.picture, u.translations,
                u.search_text, u.version, u.added_at, u.updated_at
           FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::boolean[],
                       $8::jsonb[], $9::boolean[], $10::text[], $11::jsonb[], $12::text[], $13::bigint[],
                       $14::timestamptz[], $15::timestamptz[])
             AS u (sku, name, description, price, currency, status, requires_shipping, categories, featured, picture,
                   translations, search_text, version, added_at, updated_at)
         ON CONFLICT (sku) DO UPDATE SET name = excluded.name, description = excluded.description,
                price = excluded.price, currency = excluded.currency, status = excluded.status,
                requires_shipping = excluded.requires_shipping, categories = excluded.categories,
                featured = excluded.featured, picture = excluded.picture, translations = excluded.translations,
                search_text = excluded.search_text, version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(column(rows, |row| row.sku.as_str()))
    .bind(column(rows, |row| row.name.as_str()))
    .bind(column(rows, |row| row.description.as_deref()))
    .bind(column(rows, |row| row.price.amount()))
    .bind(column(rows, |row| row.price.currency().code()))
    .bind(column(rows, |row| status_text(row.status)))
    .bind(column(rows, |row| row.requires_shipping))
    .bind(column(rows, |row| Json(&row.categories)))
    .bind(column(rows, |row| row.featured))
    .bind(column(rows, |row| row.picture.as_deref()))
    .bind(column(rows, |row| Json(&row.translations)))
    .bind(column(rows, ProductRow::search_text))
    .bind(column(rows, |row| row.version.cast_signed()))
    .bind(column(rows, |row| row.added_at))
    .bind(column(rows, |row| row.updated_at))
}
