//! What differs between what was and what would have been.

use super::{Served, Space, WhatIfError};
use chrono::NaiveDate;
use commands::verify::{Found, Watch};
use domain::ids::{OrderId, OrderNumber};
use domain::money::Currency;
use domain::{Money, Position};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;
use sqlx::{FromRow, PgConnection, Row};

/// An amount as it was, and as it would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// As it was.
    pub was: Money,
    /// As it would have been.
    pub becomes: Money,
}

impl Shift {
    /// How much more it would have been; below zero for less.
    pub fn difference(self) -> Decimal {
        // Both are far from what a decimal can't hold.
        self.becomes.amount() - self.was.amount()
    }
}

/// All of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// How many orders were placed, or would have been.
    pub orders: u64,
    /// How many of them would have come to another total, to being paid or not, or are placed in one case alone.
    pub changed_orders: u64,
    /// What was ordered.
    pub placed: Shift,
    /// What was paid in full.
    pub paid: Shift,
}

/// One day in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayShift {
    /// The shop's day.
    pub day: NaiveDate,
    /// Of orders placed on it.
    pub placed: Shift,
    /// Of orders paid on it.
    pub paid: Shift,
}

/// One product in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductShift {
    /// The product.
    pub sku: String,
    /// How many pieces were ordered; where there were none, how many would have been.
    pub quantity: u64,
    /// What they come to.
    pub placed: Shift,
    /// Of orders that were paid.
    pub paid: Shift,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderShift {
    /// Its id.
    pub id: OrderId,
    /// Its number.
    pub number: OrderNumber,
    /// Its total; zero where it is not placed.
    pub total: Shift,
    /// The same, if it is paid.
    pub paid: Shift,
}

/// What would have been.
#[derive(Debug)]
pub struct Report {
    /// The last event that was run through.
    pub position: Position,
    /// The builds that new code was held against; none where history was run through twice.
    pub served: Vec<Served>,
    /// Products whose prices were to be others, and that nobody ever ordered.
    pub unsold: Vec<String>,
    /// The sums, by currency.
    pub sums: Vec<Sums>,
    /// The days that differ, in order.
    pub days: Found<DayShift>,
    /// The products that differ, in the order of skus.
    pub products: Found<ProductShift>,
    /// The orders that differ, those of the greatest difference first.
    pub orders: Found<OrderShift>,
}

/// What is done, as it is told.
const WHAT: &str = "differences";
/// How many steps that takes.
const STEPS: u64 = 4;

/// Says what differs; tells before each of its statements how far it is, as each of them may take long.
pub(super) async fn report(
    space: &mut Space,
    position: Position,
    served: Vec<Served>,
    watch: &mut Watch<'_>,
) -> Result<Report, WhatIfError> {
    let [was, becomes] = space.schemas();
    let (session, most) = (space.session(), watch.most_listed);
    watch.tell(WHAT, 0, STEPS)?;
    let sums: Vec<Sums> = sqlx::query_as(&sums_sql(&was, &becomes)).persistent(false).fetch_all(&mut *session).await?;
    watch.tell(WHAT, 1, STEPS)?;
    let days = found(session, &days_sql(&was, &becomes), most).await?;
    watch.tell(WHAT, 2, STEPS)?;
    let products = found(session, &products_sql(&was, &becomes), most).await?;
    watch.tell(WHAT, 3, STEPS)?;
    // They may be all that there are: the first of them are looked for, and the sums have counted them.
    let sql = orders_sql(&was, &becomes);
    let first = sqlx::query_as(&sql).persistent(false).bind(i64::try_from(most).ok()).fetch_all(session).await?;
    let changed_orders: u64 = sums.iter().map(|sums| sums.changed_orders).sum();
    let orders = Found::counted(first, changed_orders);
    watch.tell(WHAT, STEPS, STEPS)?;
    Ok(Report { position, served, unsold: Vec::new(), sums, days, products, orders })
}

/// The first rows, and how many there are. Reads one for each that is counted beyond those: not for what there is very
/// much of.
async fn found<T>(session: &mut PgConnection, sql: &str, most: usize) -> Result<Found<T>, sqlx::Error>
where
    T: for<'r> FromRow<'r, PgRow>,
{
    use futures::TryStreamExt;
    let mut found = Found::new(most);
    let mut rows = sqlx::query(sql).persistent(false).fetch(session);
    while let Some(row) = rows.try_next().await? {
        found.add(T::from_row(&row)?);
    }
    Ok(found)
}

/// By what is compared.
const COMPARED: [(&str, &[&str]); 3] = [
    ("orders", &["id", "number", "currency", "total", "paid"]),
    ("days", &["day", "currency", "placed_revenue", "paid_revenue"]),
    ("product_days", &["sku", "currency", "placed_quantity", "placed_revenue", "paid_revenue"]),
];

/// Refuses a schema that has not all columns that are compared.
pub(super) async fn check(session: &mut PgConnection, side: &'static str, schema: &str) -> Result<(), WhatIfError> {
    let compared = COMPARED.iter().flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)));
    let (tables, columns): (Vec<&str>, Vec<&str>) = compared.unzip();
    let missing: Vec<String> = sqlx::query_scalar(
        "SELECT of_table || '.' || named FROM unnest($2::text[], $3::text[]) AS needed (of_table, named)
          WHERE NOT EXISTS (SELECT FROM pg_attribute
                             WHERE attrelid = to_regclass(format('%I.%I', $1, of_table)) AND attname = named
                               AND attnum > 0 AND NOT attisdropped)",
    )
    .bind(schema)
    .bind(tables)
    .bind(columns)
    .fetch_all(session)
    .await?;
    if missing.is_empty() { Ok(()) } else { Err(WhatIfError::NotComparable { side, missing: missing.join(", ") }) }
}

/// Orders of both sides; one whose currency is another is one order in each.
fn both_orders(was: &str, becomes: &str) -> String {
    format!("{was}.orders AS w FULL JOIN {becomes}.orders AS b USING (id, currency)")
}

/// Whether an order differs; also where only one side has it.
const ORDER_DIFFERS: &str = "(w.total IS DISTINCT FROM b.total OR w.paid IS DISTINCT FROM b.paid)";

fn sums_sql(was: &str, becomes: &str) -> String {
    let both = both_orders(was, becomes);
    format!(
        "SELECT currency, coalesce(orders, 0) AS orders, coalesce(changed_orders, 0) AS changed_orders,
                coalesce(placed_was, 0) AS placed_was, coalesce(placed_if, 0) AS placed_if,
                coalesce(paid_was, 0) AS paid_was, coalesce(paid_if, 0) AS paid_if
           FROM (SELECT currency, sum(placed_was) AS placed_was, sum(placed_if) AS placed_if,
                        sum(paid_was) AS paid_was, sum(paid_if) AS paid_if
                   FROM (SELECT currency, placed_revenue AS placed_was, 0 AS placed_if,
                                paid_revenue AS paid_was, 0 AS paid_if FROM {was}.days
                         UNION ALL
                         SELECT currency, 0, placed_revenue, 0, paid_revenue FROM {becomes}.days) AS days
                  GROUP BY currency) AS summed
           FULL JOIN (SELECT currency, count(*) AS orders, count(*) FILTER (WHERE {ORDER_DIFFERS}) AS changed_orders
                        FROM {both} GROUP BY currency) AS counted USING (currency)
          ORDER BY currency"
    )
}

fn days_sql(was: &str, becomes: &str) -> String {
    format!(
        "SELECT day, currency, placed_was, placed_if, paid_was, paid_if
           FROM {was}.days AS w FULL JOIN {becomes}.days AS b USING (day, currency)
          CROSS JOIN LATERAL (SELECT coalesce(w.placed_revenue, 0), coalesce(b.placed_revenue, 0),
                                     coalesce(w.paid_revenue, 0), coalesce(b.paid_revenue, 0))
                          AS shift (placed_was, placed_if, paid_was, paid_if)
          WHERE placed_was <> placed_if OR paid_was <> paid_if
          ORDER BY day, currency"
    )
}

fn products_sql(was: &str, becomes: &str) -> String {
    let summed = |schema: &str| {
        format!(
            "(SELECT sku, currency, sum(placed_quantity)::bigint AS quantity, sum(placed_revenue) AS placed,
                     sum(paid_revenue) AS paid FROM {schema}.product_days GROUP BY sku, currency)"
        )
    };
    format!(
        "SELECT sku, currency, coalesce(w.quantity, b.quantity) AS quantity, placed_was, placed_if, paid_was, paid_if
           FROM {} AS w FULL JOIN {} AS b USING (sku, currency)
          CROSS JOIN LATERAL (SELECT coalesce(w.placed, 0), coalesce(b.placed, 0), coalesce(w.paid, 0), coalesce(b.paid, 0))
                          AS shift (placed_was, placed_if, paid_was, paid_if)
          WHERE placed_was <> placed_if OR paid_was <> paid_if
          ORDER BY sku, currency",
        summed(was),
        summed(becomes)
    )
}

fn orders_sql(was: &str, becomes: &str) -> String {
    let both = both_orders(was, becomes);
    format!(
        "SELECT id, coalesce(w.number, b.number) AS number, currency, total_was, total_if, paid_was, paid_if
           FROM {both}
          CROSS JOIN LATERAL (SELECT coalesce(w.total, 0), coalesce(b.total, 0),
                                     CASE WHEN w.paid THEN w.total ELSE 0 END, CASE WHEN b.paid THEN b.total ELSE 0 END)
                          AS shift (total_was, total_if, paid_was, paid_if)
          WHERE {ORDER_DIFFERS}
          ORDER BY abs(total_if - total_was) DESC, abs(paid_if - paid_was) DESC, number, id
          LIMIT $1"
    )
}

/// The columns `<name>_was` and `<name>_if`, in the row's currency.
fn shift(row: &PgRow, name: &str) -> Result<Shift, sqlx::Error> {
    let currency = Currency::parse(row.try_get("currency")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let money = |column: String| {
        let amount: Decimal = row.try_get(&*column)?;
        Money::new(amount, currency).map_err(|error| sqlx::Error::Decode(error.into()))
    };
    Ok(Shift { was: money(format!("{name}_was"))?, becomes: money(format!("{name}_if"))? })
}

fn count(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

impl<'r> FromRow<'r, PgRow> for Sums {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let (orders, changed_orders) = (count(row, "orders")?, count(row, "changed_orders")?);
        Ok(Self { orders, changed_orders, placed: shift(row, "placed")?, paid: shift(row, "paid")? })
    }
}

impl<'r> FromRow<'r, PgRow> for DayShift {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { day: row.try_get("day")?, placed: shift(row, "placed")?, paid: shift(row, "paid")? })
    }
}

impl<'r> FromRow<'r, PgRow> for ProductShift {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let (sku, quantity) = (row.try_get("sku")?, count(row, "quantity")?);
        Ok(Self { sku, quantity, placed: shift(row, "placed")?, paid: shift(row, "paid")? })
    }
}

impl<'r> FromRow<'r, PgRow> for OrderShift {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let (id, number) = (OrderId(row.try_get::<Uuid, _>("id")?), OrderNumber(count(row, "number")?));
        Ok(Self { id, number, total: shift(row, "total")?, paid: shift(row, "paid")? })
    }
}
