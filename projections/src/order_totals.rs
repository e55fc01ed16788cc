//! How many orders, and how much money, each day and each product brought. Answers `GET /v1/totals`.
//!
//! What was placed counts on the day on which the order was placed, in the shop's time zone; a line that is added later
//! joins that day too. So the placed totals of a range of days are the sums over the orders that were placed in it, as
//! the order list shows them. What was paid counts on the day on which the payments covered the total.
//!
//! Revenue is what was ordered, or paid in full: quantity times the price of the day. Currencies are never added up.

mod as_of;
mod fold;
mod reads;

pub use as_of::{Bounds, Past, Tell, by_day_as_of, by_product_as_of, page_of_days, page_of_products};
pub use reads::{Amounts, DayKey, DayTotals, Days, ProductKey, ProductTotals, Units, by_day, by_product};

use crate::{Projection, ProjectionError, ViewTransaction, Wants};
use chrono::NaiveDate;
use commands::db::column;
use domain::order::{ItemAdded, OrderPaid, OrderPlaced};
use domain::{Event, Recorded};
use fold::{DaySums, ProductSums, Sums};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, types::Uuid};
use std::collections::HashMap;

/// Counts and sums by day, and by product and day.
pub struct OrderTotals;

impl Projection for OrderTotals {
    const NAME: &'static str = "order_totals";
    const VERSION: u32 = 1;
    const TABLES: &'static str = include_str!("order_totals.sql");
    const WANTS: Wants = Wants::types(&[ItemAdded::TYPE, OrderPlaced::TYPE, OrderPaid::TYPE]);
    const USES_TIME_ZONE: bool = true;

    /// Sums the batch up in memory, then adds what came out to the tables: an upsert for each.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut sums = Sums::default();
        for recorded in batch {
            let Event::Order(event) = &recorded.event else { continue };
            let day = view.day_of(recorded.metadata.occurred_at);
            sums.take(recorded, event, day)?;
        }
        let days = days_of(sums.orders_of_late_lines(), view).await?;
        sums.take_late_lines(&days)?;
        if !sums.placed.is_empty() {
            view.execute(insert_placed(&sums.placed)).await?;
        }
        let (days, products) = sums.into_rows();
        if !days.is_empty() {
            view.execute(add_days(&days)).await?;
        }
        if !products.is_empty() {
            view.execute(add_products(&products)).await?;
        }
        Ok(())
    }
}

/// The days of orders placed in earlier batches; an order that is not placed yet has none.
async fn days_of(
    orders: Vec<Uuid>,
    view: &mut ViewTransaction<'_>,
) -> Result<HashMap<Uuid, NaiveDate>, ProjectionError> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sqlx::query_as("SELECT order_id, day FROM placed_orders WHERE order_id = ANY($1)").bind(orders);
    Ok(view.fetch_all::<(Uuid, NaiveDate)>(query).await?.into_iter().collect())
}

fn insert_placed(placed: &[(Uuid, NaiveDate)]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query("INSERT INTO placed_orders (order_id, day) SELECT unnest($1::uuid[]), unnest($2::date[])")
        .bind(column(placed, |(order_id, _)| *order_id))
        .bind(column(placed, |(_, day)| *day))
}

fn add_days(rows: &[DaySums]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO days AS d (day, currency, placed_orders, placed_revenue, paid_orders, paid_revenue)
         SELECT unnest($1::date[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::numeric[]),
                unnest($5::bigint[]), unnest($6::numeric[])
         ON CONFLICT (day, currency) DO UPDATE
            SET placed_orders = d.placed_orders + excluded.placed_orders,
                placed_revenue = d.placed_revenue + excluded.placed_revenue,
                paid_orders = d.paid_orders + excluded.paid_orders,
                paid_revenue = d.paid_revenue + excluded.paid_revenue",
    )
    .bind(column(rows, |row| row.day))
    .bind(column(rows, |row| row.currency.code()))
    .bind(column(rows, |row| row.placed.count))
    .bind(column(rows, |row| row.placed.revenue))
    .bind(column(rows, |row| row.paid.count))
    .bind(column(rows, |row| row.paid.revenue))
}

fn add_products<'r>(rows: &'r [ProductSums<'_>]) -> Query<'r, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO product_days AS d
                (sku, currency, day, placed_quantity, placed_revenue, paid_quantity, paid_revenue)
         SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::date[]), unnest($4::bigint[]),
                unnest($5::numeric[]), unnest($6::bigint[]), unnest($7::numeric[])
         ON CONFLICT (sku, currency, day) DO UPDATE
            SET placed_quantity = d.placed_quantity + excluded.placed_quantity,
                placed_revenue = d.placed_revenue + excluded.placed_revenue,
                paid_quantity = d.paid_quantity + excluded.paid_quantity,
                paid_revenue = d.paid_revenue + excluded.paid_revenue",
    )
    .bind(column(rows, |row| row.sku))
    .bind(column(rows, |row| row.currency.code()))
    .bind(column(rows, |row| row.day))
    .bind(column(rows, |row| row.placed.count))
    .bind(column(rows, |row| row.placed.revenue))
    .bind(column(rows, |row| row.paid.count))
    .bind(column(rows, |row| row.paid.revenue))
}
