//! What was sold by day, product and city, and how long orders wait for their payment. Answers `/analytics` and `GET
//! /v1/analytics/…`.
//!
//! Counts as [`order_totals`](crate::order_totals) does: what was placed on the day on which the order was placed, a
//! line that is added later on that day too, and what was paid on the day on which the payments covered the total. Its
//! rows stand in the order of days, so that a range of days is read as one piece.
//!
//! A place is the city as customers write it, with the country where there is one; small and capital letters are one.
//! Currencies are never added up.

mod fold;
mod ranking;
mod reads;

pub use ranking::{Ranked, Ranking, Side, Things, Together, ranking};
pub use reads::{
    CitySales, DaySales, MAX_DAYS, PaymentTime, ProductSales, RangeError, Span, TakenBack, by_city, by_day, by_product,
    payment_times,
};
pub use reads::{DayRange, MAX_RANKED};

use crate::{Projection, ProjectionError, ViewTransaction, Wants};
use chrono::{DateTime, NaiveDate, Utc};
use commands::db::column;
use domain::order::{ItemAdded, OrderPaid, OrderPlaced, PaymentFlagged};
use domain::{Event, Recorded};
use fold::{Known, NewOrder, SoldRow, Sums, TimeRow};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, types::Uuid};
use std::collections::HashMap;

/// Counters by day, product and city.
pub struct Sales;

impl Projection for Sales {
    const NAME: &'static str = "sales";
    const VERSION: u32 = 1;
    const TABLES: &'static str = include_str!("sales.sql");
    const WANTS: Wants = Wants::types(&[ItemAdded::TYPE, OrderPlaced::TYPE, OrderPaid::TYPE, PaymentFlagged::TYPE]);
    const USES_TIME_ZONE: bool = true;

    /// Sums the batch up in memory, then adds what came out to the tables: an upsert for each.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut sums = Sums::default();
        for recorded in batch {
            let Event::Order(event) = &recorded.event else { continue };
            let day = view.day_of(recorded.metadata.occurred_at);
            sums.take(recorded, event, day)?;
        }
        let earlier = earlier(sums.orders_of_before(), view).await?;
        sums.take_what_waited(&earlier)?;
        if !sums.placed.is_empty() {
            view.execute(insert_placed(&sums.placed)).await?;
        }
        let (sold, times) = sums.into_rows();
        if !sold.is_empty() {
            view.execute(add_sold(&sold)).await?;
        }
        if !times.is_empty() {
            view.execute(add_times(&times)).await?;
        }
        Ok(())
    }
}

/// What is known of orders that were placed in earlier batches; of one that is not placed yet, nothing.
async fn earlier(orders: Vec<Uuid>, view: &mut ViewTransaction<'_>) -> Result<HashMap<Uuid, Known>, ProjectionError> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sqlx::query_as("SELECT order_id, day, placed_at, place FROM placed_orders WHERE order_id = ANY($1)");
    let rows = view.fetch_all::<(Uuid, NaiveDate, DateTime<Utc>, String)>(query.bind(orders)).await?;
    Ok(rows.into_iter().map(|(id, day, placed_at, place)| (id, Known { day, placed_at, place })).collect())
}

fn insert_placed(placed: &[NewOrder]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO placed_orders (order_id, day, placed_at, place)
         SELECT unnest($1::uuid[]), unnest($2::date[]), unnest($3::timestamptz[]), unnest($4::text[])",
    )
    .bind(column(placed, |order| order.id))
    .bind(column(placed, |order| order.known.day))
    .bind(column(placed, |order| order.known.placed_at))
    .bind(column(placed, |order| order.known.place.as_str()))
}

fn add_sold(rows: &[SoldRow]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO sold AS s
                (kind, day, currency, key, label, placed_count, placed_revenue, paid_count, paid_revenue,
                 taken_back_count, taken_back_amount)
         SELECT unnest($1::text[]), unnest($2::date[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
                unnest($6::bigint[]), unnest($7::numeric[]), unnest($8::bigint[]), unnest($9::numeric[]),
                unnest($10::bigint[]), unnest($11::numeric[])
         ON CONFLICT (kind, day, currency, key) DO UPDATE
            SET placed_count = s.placed_count + excluded.placed_count,
                placed_revenue = s.placed_revenue + excluded.placed_revenue,
                paid_count = s.paid_count + excluded.paid_count,
                paid_revenue = s.paid_revenue + excluded.paid_revenue,
                taken_back_count = s.taken_back_count + excluded.taken_back_count,
                taken_back_amount = s.taken_back_amount + excluded.taken_back_amount",
    )
    .bind(column(rows, |row| row.kind.as_str()))
    .bind(column(rows, |row| row.day))
    .bind(column(rows, |row| row.currency))
    .bind(column(rows, |row| row.key.as_str()))
    .bind(column(rows, |row| row.label.as_str()))
    .bind(column(rows, |row| row.placed.count))
    .bind(column(rows, |row| row.placed.revenue))
    .bind(column(rows, |row| row.paid.count))
    .bind(column(rows, |row| row.paid.revenue))
    .bind(column(rows, |row| row.taken_back.count))
    .bind(column(rows, |row| row.taken_back.revenue))
}

fn add_times(rows: &[TimeRow]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO payment_times AS t (day, span, orders, waited_ms)
         SELECT unnest($1::date[]), unnest($2::smallint[]), unnest($3::bigint[]), unnest($4::bigint[])
         ON CONFLICT (day, span) DO UPDATE
            SET orders = t.orders + excluded.orders, waited_ms = t.waited_ms + excluded.waited_ms",
    )
    .bind(column(rows, |row| row.day))
    .bind(column(rows, |row| row.span))
    .bind(column(rows, |row| row.orders))
    .bind(column(rows, |row| row.waited_ms))
}
