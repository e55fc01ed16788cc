//! `GET /v1/totals?by=day|product&from&to`: how many, and how much, per currency, placed and paid apart.
//!
//! Days are the shop's, in the time zone that the view is built with; `from` and `to` are such days (`2026-01-31`), and
//! the range is `[from, to)`.

use super::paging::{CursorKey, List, PageRequest};
use super::reads::Read;
use crate::auth::Allowed;
use crate::auth::permission::ReadTotals;
use crate::http::App;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::NaiveDate;
use domain::Money;
use http::HeaderMap;
use projections::Projection;
use projections::order_totals::{
    self, Amounts, DayKey, DayTotals, Days, OrderTotals, ProductKey, ProductTotals, Units,
};
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Day,
    Product,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadTotals>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let by = by(&mut query);
    let days = Days { from: day(&mut query, "from"), to: day(&mut query, "to") };
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let list = List::new("totals", &format!("{by:?} {days:?}"));
    match by {
        By::Day => by_day(&app, &headers, days, &list, &page).await,
        By::Product => by_product(&app, &headers, days, &list, &page).await,
    }
}

fn by(query: &mut Query<'_>) -> By {
    query.required("by");
    query.one_of("by", &[("day", By::Day), ("product", By::Product)]).unwrap_or(By::Day)
}

fn day(query: &mut Query<'_>, name: &str) -> Option<NaiveDate> {
    let text = query.raw(name)?;
    // chrono alone would take "2026-1-1" too.
    let day = if text.len() == "2026-01-31".len() { text.parse().ok() } else { None };
    if day.is_none() {
        query.fault(name, "not_a_day", "must be a day such as 2026-01-31");
    }
    day
}

async fn by_day(
    app: &App,
    headers: &HeaderMap,
    days: Days,
    list: &List,
    page: &PageRequest<'_>,
) -> Result<Response, Problem> {
    let after: Option<DayKey> = page.after(list)?;
    let mut read = Read::begin(app, OrderTotals::NAME, headers).await?;
    let seen = read.run(order_totals::by_day(&app.views, days, after.as_ref(), page.limit)).await?;
    let data = seen.value.rows.iter().map(DayResource::of).collect();
    Ok(read.answer(seen.position, list.page(data, seen.value.next.as_ref())))
}

async fn by_product(
    app: &App,
    headers: &HeaderMap,
    days: Days,
    list: &List,
    page: &PageRequest<'_>,
) -> Result<Response, Problem> {
    let after: Option<ProductKey> = page.after(list)?;
    let mut read = Read::begin(app, OrderTotals::NAME, headers).await?;
    let seen = read.run(order_totals::by_product(&app.views, days, after.as_ref(), page.limit)).await?;
    let data = seen.value.rows.iter().map(ProductResource::of).collect();
    Ok(read.answer(seen.position, list.page(data, seen.value.next.as_ref())))
}

#[derive(Serialize)]
struct DayResource {
    day: NaiveDate,
    currency: &'static str,
    placed: AmountsResource,
    paid: AmountsResource,
}

impl DayResource {
    fn of(totals: &DayTotals) -> Self {
        let DayTotals { day, placed, paid } = totals;
        let currency = placed.revenue.currency().code();
        Self { day: *day, currency, placed: AmountsResource::of(placed), paid: AmountsResource::of(paid) }
    }
}

#[derive(Serialize)]
struct AmountsResource {
    orders: u64,
    revenue: Money,
}

impl AmountsResource {
    fn of(amounts: &Amounts) -> Self {
        Self { orders: amounts.orders, revenue: amounts.revenue }
    }
}

#[derive(Serialize)]
struct ProductResource<'t> {
    sku: &'t str,
    currency: &'static str,
    placed: UnitsResource,
    paid: UnitsResource,
}

impl<'t> ProductResource<'t> {
    fn of(totals: &'t ProductTotals) -> Self {
        let ProductTotals { sku, placed, paid } = totals;
        let currency = placed.revenue.currency().code();
        Self { sku, currency, placed: UnitsResource::of(placed), paid: UnitsResource::of(paid) }
    }
}

#[derive(Serialize)]
struct UnitsResource {
    quantity: u64,
    revenue: Money,
}

impl UnitsResource {
    fn of(units: &Units) -> Self {
        Self { quantity: units.quantity, revenue: units.revenue }
    }
}

impl CursorKey for DayKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{} {}", self.day, self.currency).into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (day, currency) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some(Self { day: day.parse().ok()?, currency: currency.to_owned() })
    }
}

impl CursorKey for ProductKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{} {}", self.sku, self.currency).into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sku, currency) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some(Self { sku: sku.to_owned(), currency: currency.to_owned() })
    }
}
