//! What the shop sells, and for how much. Answers `GET /v1/products`.

use crate::read::{Plan, money, rows_of};
use crate::view_transaction::column;
use crate::{Page, Projection, ProjectionError, ReadError, Seen, ViewTransaction, Views, Wants};
use chrono::{DateTime, Utc};
use domain::product::{
    ProductAdded, ProductDescribed, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn, Status,
};
use domain::{Event, Money, Recorded, Sku};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres, Row};
use std::collections::{BTreeMap, BTreeSet};

/// The catalogue as a list, one row per product.
pub struct Products;

impl Projection for Products {
    const NAME: &'static str = "products";
    const VERSION: u32 = 1;
    const TABLES: &'static str = include_str!("products.sql");
    const WANTS: Wants = Wants::types(&[
        ProductAdded::TYPE,
        ProductDescribed::TYPE,
        ProductRepriced::TYPE,
        ProductWithdrawn::TYPE,
        ProductRestored::TYPE,
    ]);

    /// Reads the products that the batch touches, folds its events into them, and writes them back whole.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut products = known(batch, view).await?;
        for recorded in batch {
            let Event::Product(event) = &recorded.event else { continue };
            fold(&mut products, recorded, event);
        }
        let rows: Vec<ProductRow> = products.into_values().collect();
        view.execute(upsert(&rows)).await?;
        Ok(())
    }
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// Its key.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// What one costs.
    pub price: Money,
    /// Whether it can be ordered.
    pub status: Status,
    /// Counts its events; what `If-Match` names.
    pub version: u64,
    /// When it entered the catalogue.
    pub added_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The product of that sku, withdrawn or not.
pub async fn get(views: &Views, sku: &Sku) -> Result<Seen<Option<ProductRow>>, ReadError> {
    let select = |schema: &str| format!("SELECT true AS present, {COLUMNS} FROM {schema}.products WHERE sku = $1");
    let seen = views.read::<Products>(Plan::Kept, select, "", |query| query.bind(sku.as_str().to_owned())).await?;
    let rows = rows_of::<Products, ProductRow>(&seen.value)?;
    Ok(seen.map(|_| rows.into_iter().next()))
}

/// The products behind `after` in the order of their skus (byte by byte), withdrawn ones too; at most `limit`.
///
/// Behind the last row's sku is the next page.
pub async fn list(views: &Views, after: Option<&Sku>, limit: u32) -> Result<Seen<Page<ProductRow, String>>, ReadError> {
    // Every sku is behind the empty text.
    let after = after.map_or("", Sku::as_str);
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        format!("SELECT true AS present, {COLUMNS} FROM {schema}.products WHERE sku > $1 ORDER BY sku LIMIT {rows}")
    };
    let seen = views.read::<Products>(Plan::Kept, select, "found.sku", |query| query.bind(after.to_owned())).await?;
    let rows = rows_of::<Products, ProductRow>(&seen.value)?;
    Ok(seen.map(|_| Page::cut(rows, limit, |last| last.sku.clone())))
}

const COLUMNS: &str = "sku, name, description, price, currency, status, version, added_at, updated_at";

impl<'r> FromRow<'r, PgRow> for ProductRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            price: money(row, "price")?,
            status: parse_status(row.try_get("status")?)?,
            version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            added_at: row.try_get("added_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

const fn status_text(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Withdrawn => "withdrawn",
    }
}

fn parse_status(text: &str) -> Result<Status, sqlx::Error> {
    [Status::Active, Status::Withdrawn]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| sqlx::Error::Decode("the status is not a known one".into()))
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

fn fold(products: &mut BTreeMap<String, ProductRow>, recorded: &Recorded<Event>, event: &ProductEvent) {
    if let ProductEvent::ProductAdded(added) = event {
        products.insert(recorded.aggregate_id.to_string(), added_row(recorded, added));
        return;
    }
    // Nothing happens to a product before it is added.
    let Some(product) = products.get_mut(&*recorded.aggregate_id) else { return };
    match event {
        ProductEvent::ProductAdded(_) => {}
        ProductEvent::ProductDescribed(described) => {
            product.name = described.name.as_str().to_owned();
            product.description = described.description.as_ref().map(|text| text.as_str().to_owned());
        }
        ProductEvent::ProductRepriced(repriced) => product.price = repriced.price,
        ProductEvent::ProductWithdrawn(_) => product.status = Status::Withdrawn,
        ProductEvent::ProductRestored(_) => product.status = Status::Active,
    }
    product.version = recorded.sequence;
    product.updated_at = recorded.metadata.occurred_at;
}

fn added_row(recorded: &Recorded<Event>, added: &ProductAdded) -> ProductRow {
    let occurred_at = recorded.metadata.occurred_at;
    ProductRow {
        sku: recorded.aggregate_id.to_string(),
        name: added.name.as_str().to_owned(),
        description: added.description.as_ref().map(|text| text.as_str().to_owned()),
        price: added.price,
        status: Status::Active,
        version: recorded.sequence,
        added_at: occurred_at,
        updated_at: occurred_at,
    }
}

fn upsert(rows: &[ProductRow]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO products (sku, name, description, price, currency, status, version, added_at, updated_at)
         SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::numeric[]), unnest($5::text[]),
                unnest($6::text[]), unnest($7::bigint[]), unnest($8::timestamptz[]), unnest($9::timestamptz[])
         ON CONFLICT (sku) DO UPDATE SET name = excluded.name, description = excluded.description,
                price = excluded.price, currency = excluded.currency, status = excluded.status,
                version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(column(rows, |row| row.sku.as_str()))
    .bind(column(rows, |row| row.name.as_str()))
    .bind(column(rows, |row| row.description.as_deref()))
    .bind(column(rows, |row| row.price.amount()))
    .bind(column(rows, |row| row.price.currency().code()))
    .bind(column(rows, |row| status_text(row.status)))
    .bind(column(rows, |row| row.version.cast_signed()))
    .bind(column(rows, |row| row.added_at))
    .bind(column(rows, |row| row.updated_at))
}
