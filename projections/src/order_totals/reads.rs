//! What is asked of the totals.

use super::OrderTotals;
use crate::read::{Active, Plan, money, rows_of};
use crate::{Page, ReadError, Seen, Views};
use chrono::NaiveDate;
use domain::Money;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::sync::Arc;

/// A range of the shop's days, `[from, to)`; open where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Days {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The day behind the last.
    pub to: Option<NaiveDate>,
}

impl Days {
    /// Whether it is one of them.
    pub(crate) fn hold(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| day >= from) && self.to.is_none_or(|to| day < to)
    }
}

/// How many orders, and how much money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// How many orders.
    pub orders: u64,
    /// What they come to.
    pub revenue: Money,
}

/// How many pieces of a product, and how much money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// How many pieces.
    pub quantity: u64,
    /// What they come to, each at the price of its day.
    pub revenue: Money,
}

/// One day in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTotals {
    /// The day, in the time zone that the view was built with.
    pub day: NaiveDate,
    /// Orders placed on that day.
    pub placed: Amounts,
    /// Orders paid on that day, whenever they were placed.
    pub paid: Amounts,
}

/// One product in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTotals {
    /// The product.
    pub sku: String,
    /// In orders placed in the range.
    pub placed: Units,
    /// In orders paid in the range.
    pub paid: Units,
}

/// Where a page of [`by_day`] ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayKey {
    /// The last row's day.
    pub day: NaiveDate,
    /// Its currency.
    pub currency: String,
}

/// Where a page of [`by_product`] ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductKey {
    /// The last row's product.
    pub sku: String,
    /// Its currency.
    pub currency: String,
}

impl DayKey {
    pub(super) fn of(last: &DayTotals) -> Self {
        Self { day: last.day, currency: last.placed.revenue.currency().code().to_owned() }
    }
}

impl ProductKey {
    pub(super) fn of(last: &ProductTotals) -> Self {
        Self { sku: last.sku.clone(), currency: last.placed.revenue.currency().code().to_owned() }
    }
}

/// A page, and the build that its rows are of.
pub(super) type OfBuild<T, K> = (Seen<Page<T, K>>, Arc<Active>);

/// The totals of each day and currency, the newest day first; days on which nothing happened are left out.
pub async fn by_day(
    views: &Views,
    days: Days,
    after: Option<&DayKey>,
    limit: u32,
) -> Result<Seen<Page<DayTotals, DayKey>>, ReadError> {
    Ok(read_days(views, days, after, limit).await?.0)
}

/// The same, and of which build it is.
pub(super) async fn read_days(
    views: &Views,
    days: Days,
    after: Option<&DayKey>,
    limit: u32,
) -> Result<OfBuild<DayTotals, DayKey>, ReadError> {
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, day, currency, placed_orders, placed_revenue, paid_orders, paid_revenue
               FROM {schema}.days
              WHERE day >= coalesce($1::date, '-infinity') AND day < coalesce($2::date, 'infinity')
                AND ($3::date IS NULL OR day < $3 OR (day = $3 AND currency > $4))
              ORDER BY day DESC, currency LIMIT {rows}"
        )
    };
    let (seen, build) = views
        .read_with_build::<OrderTotals>(Plan::Kept, select, "found.day DESC, found.currency", |query| {
            query
                .bind(days.from)
                .bind(days.to)
                .bind(after.map(|key| key.day))
                .bind(after.map(|key| key.currency.clone()))
        })
        .await?;
    let rows: Vec<DayTotals> = rows_of::<OrderTotals, _>(&seen.value)?;
    Ok((seen.map(|_| Page::cut(rows, limit, DayKey::of)), build))
}

/// The totals of each product and currency over a range of days, in the order of skus (byte by byte).
pub async fn by_product(
    views: &Views,
    days: Days,
    after: Option<&ProductKey>,
    limit: u32,
) -> Result<Seen<Page<ProductTotals, ProductKey>>, ReadError> {
    Ok(read_products(views, days, after, limit).await?.0)
}

/// The same, and of which build it is.
pub(super) async fn read_products(
    views: &Views,
    days: Days,
    after: Option<&ProductKey>,
    limit: u32,
) -> Result<OfBuild<ProductTotals, ProductKey>, ReadError> {
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, sku, currency,
                    sum(placed_quantity)::bigint AS placed_quantity, sum(placed_revenue) AS placed_revenue,
                    sum(paid_quantity)::bigint AS paid_quantity, sum(paid_revenue) AS paid_revenue
               FROM {schema}.product_days
              WHERE day >= coalesce($1::date, '-infinity') AND day < coalesce($2::date, 'infinity')
                AND (sku, currency) > ($3, $4)
              GROUP BY sku, currency ORDER BY sku, currency LIMIT {rows}"
        )
    };
    let (seen, build) = views
        .read_with_build::<OrderTotals>(Plan::Kept, select, "found.sku, found.currency", |query| {
            // Every key is behind the empty one.
            query
                .bind(days.from)
                .bind(days.to)
                .bind(after.map_or_else(String::new, |key| key.sku.clone()))
                .bind(after.map_or_else(String::new, |key| key.currency.clone()))
        })
        .await?;
    let rows: Vec<ProductTotals> = rows_of::<OrderTotals, _>(&seen.value)?;
    Ok((seen.map(|_| Page::cut(rows, limit, ProductKey::of)), build))
}

impl<'r> FromRow<'r, PgRow> for DayTotals {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let amounts = |orders: &str, revenue: &str| {
            Ok::<_, sqlx::Error>(Amounts { orders: count(row, orders)?, revenue: money(row, revenue)? })
        };
        Ok(Self {
            day: row.try_get("day")?,
            placed: amounts("placed_orders", "placed_revenue")?,
            paid: amounts("paid_orders", "paid_revenue")?,
        })
    }
}

impl<'r> FromRow<'r, PgRow> for ProductTotals {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let units = |quantity: &str, revenue: &str| {
            Ok::<_, sqlx::Error>(Units { quantity: count(row, quantity)?, revenue: money(row, revenue)? })
        };
        Ok(Self {
            sku: row.try_get("sku")?,
            placed: units("placed_quantity", "placed_revenue")?,
            paid: units("paid_quantity", "paid_revenue")?,
        })
    }
}

fn count(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}
