//! Every order that was placed, as one row. Answers `GET /v1/orders`, `GET /v1/orders/{id}` and `POST
//! /v1/orders/search`, and the list behind the counter.

mod as_of;
mod desk;
mod fold;
mod reads;
mod row;

pub use as_of::{list_as_of, row_of};
pub use desk::{Desk, DeskPages, DeskSearch, count, desk};
pub use reads::{Filter, ListKey, Search, Whose, get, list, of_subject, search};
pub use row::{CustomerRow, Item, OrderRow, ShippingAddressRow, Status, items_json};

use crate::{Projection, ProjectionError, ViewTransaction, Wants};
use commands::db::column;
use domain::order::{EmailCorrected, ItemAdded, Line, OrderPaid, OrderPlaced, PaymentFlagged, PaymentRecorded};
use domain::{Event, Recorded};
use fold::{Change, Changes, ClockDistance, NewOrder};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::types::{Json, Uuid};
use std::collections::HashMap;

/// One row per placed order.
pub struct OrderList;

impl Projection for OrderList {
    const NAME: &'static str = "order_list";
    /// 2: an order may go without an address, and may need a review. 3: its address of mail may be corrected; it is
    /// found by words, and those that need a review are found.
    const VERSION: u32 = 3;
    const TABLES: &'static str = include_str!("order_list.sql");
    const INDEXES: &'static str = include_str!("order_list_indexes.sql");
    const WANTS: Wants = Wants::types(&[
        ItemAdded::TYPE,
        OrderPlaced::TYPE,
        PaymentRecorded::TYPE,
        OrderPaid::TYPE,
        PaymentFlagged::TYPE,
        EmailCorrected::TYPE,
    ]);

    /// Folds the batch to one change per order, then inserts the new orders and updates the others: a statement each.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut changes = Changes::default();
        for recorded in batch {
            let Event::Order(event) = &recorded.event else { continue };
            changes.take(recorded, event)?;
        }
        let lines = lines_of(changes.orders_with_late_lines(), view).await?;
        let (new_orders, changed) = changes.into_rows(&lines)?;
        if !new_orders.is_empty() {
            view.execute(insert(&new_orders)).await?;
        }
        if !changed.is_empty() {
            view.execute(update(&changed)).await?;
        }
        view.execute(widen(ClockDistance::of(batch))).await?;
        Ok(())
    }
}

/// The lines of orders placed in earlier batches; an order that is not placed yet has none.
async fn lines_of(
    orders: Vec<Uuid>,
    view: &mut ViewTransaction<'_>,
) -> Result<HashMap<Uuid, Vec<Line>>, ProjectionError> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sqlx::query_as("SELECT id, items FROM orders WHERE id = ANY($1)").bind(orders);
    let rows = view.fetch_all::<(Uuid, Json<Vec<Line>>)>(query).await?;
    Ok(rows.into_iter().map(|(id, lines)| (id, lines.0)).collect())
}

fn insert<'r>(rows: &'r [NewOrder<'_>]) -> Query<'r, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO orders
                (id, number, status, paid, subject_id, first_name, last_name, email, email_key, address, postal_code, city,
                 country, items, currency, total, paid_amount, version, placed_at, updated_at, placed_recorded_at,
                 placed_position, position, needs_review)
         SELECT unnest($1::uuid[]), unnest($2::bigint[]), 'placed', unnest($3::boolean[]), unnest($4::uuid[]),
                unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]),
                unnest($10::text[]), unnest($11::text[]), unnest($12::text[]), unnest($13::text[])::json,
                unnest($14::text[]), unnest($15::numeric[]), unnest($16::numeric[]), unnest($17::bigint[]),
                unnest($18::timestamptz[]), unnest($19::timestamptz[]), unnest($20::timestamptz[]),
                unnest($21::bigint[]), unnest($22::bigint[]), unnest($23::boolean[])
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(column(rows, |row| row.id))
    .bind(column(rows, |row| row.placed.number.0.cast_signed()))
    .bind(column(rows, |row| row.change.paid))
    .bind(column(rows, |row| row.customer().subject_id.0))
    .bind(column(rows, |row| row.customer().first_name.as_str()))
    .bind(column(rows, |row| row.customer().last_name.as_str()))
    .bind(column(rows, |row| row.email().as_str()))
    .bind(column(rows, |row| row.email().search_key()))
    .bind(column(rows, |row| row.ships_to().map(|to| to.address.as_str())))
    .bind(column(rows, |row| row.ships_to().map(|to| to.postal_code.as_str())))
    .bind(column(rows, |row| row.ships_to().map(|to| to.city.as_str())))
    .bind(column(rows, |row| row.ships_to().and_then(|to| to.country.as_ref()).map(|country| country.as_str())))
    .bind(column(rows, |row| row.items.as_str()))
    .bind(column(rows, |row| row.placed.total.currency().code()))
    .bind(column(rows, |row| row.total().amount()))
    .bind(column(rows, |row| row.paid_amount().amount()))
    .bind(column(rows, |row| row.change.version.cast_signed()))
    .bind(column(rows, |row| row.placed_at))
    .bind(column(rows, |row| row.change.updated_at))
    .bind(column(rows, |row| row.recorded_at))
    .bind(column(rows, |row| row.position.as_i64()))
    .bind(column(rows, |row| row.change.position.as_i64()))
    .bind(column(rows, |row| row.change.flagged))
}

fn update<'r>(rows: &'r [(Uuid, Change<'_>, Option<String>)]) -> Query<'r, Postgres, PgArguments> {
    sqlx::query(
        "UPDATE orders AS o
            SET items = coalesce(u.items::json, o.items), total = coalesce(u.total, o.total),
                paid_amount = coalesce(u.paid_amount, o.paid_amount), paid = o.paid OR u.paid,
                needs_review = o.needs_review OR u.flagged,
                email = coalesce(u.email, o.email), email_key = coalesce(u.email_key, o.email_key),
                version = u.version, updated_at = u.updated_at, position = u.position
           FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS items, unnest($3::numeric[]) AS total,
                        unnest($4::numeric[]) AS paid_amount, unnest($5::boolean[]) AS paid,
                        unnest($6::bigint[]) AS version, unnest($7::timestamptz[]) AS updated_at,
                        unnest($8::bigint[]) AS position, unnest($9::boolean[]) AS flagged,
                        unnest($10::text[]) AS email, unnest($11::text[]) AS email_key) AS u
          WHERE o.id = u.id AND o.version < u.version",
    )
    .bind(column(rows, |(id, _, _)| *id))
    .bind(column(rows, |(_, _, items)| items.as_deref()))
    .bind(column(rows, |(_, change, _)| change.total.map(|total| total.amount())))
    .bind(column(rows, |(_, change, _)| change.paid_amount.map(|paid| paid.amount())))
    .bind(column(rows, |(_, change, _)| change.paid))
    .bind(column(rows, |(_, change, _)| change.version.cast_signed()))
    .bind(column(rows, |(_, change, _)| change.updated_at))
    .bind(column(rows, |(_, change, _)| change.position.as_i64()))
    .bind(column(rows, |(_, change, _)| change.flagged))
    .bind(column(rows, |(_, change, _)| change.email.map(|email| email.as_str())))
    .bind(column(rows, |(_, change, _)| change.email.map(|email| email.search_key())))
}

fn widen(distance: ClockDistance) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(
        "UPDATE clock_distance SET ahead_us = greatest(ahead_us, $1), behind_us = greatest(behind_us, $2)
          WHERE ahead_us < $1 OR behind_us < $2",
    )
    .bind(distance.ahead_us)
    .bind(distance.behind_us)
}
