//! `GET /v1/totals?by=day|product&from&to&as_of`: how many, and how much, per currency, placed and paid apart.
//!
//! Days are the shop's, in the time zone that the view is built with; `from` and `to` are such days (`2026-01-31`), and
//! the range is `[from, to)`.

use super::paging::{CursorKey, List, PageRequest, PastPageResource};
use super::reads::Read;
use super::{as_of, past_totals};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadTotals;
use crate::http::query::Query;
use crate::openapi::MoneyValue;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{Datelike, NaiveDate};
use domain::Money;
use http::HeaderMap;
use projections::order_totals::{
    self, Amounts, DayKey, DayTotals, Days, OrderTotals, ProductKey, ProductTotals, Units,
};
use projections::{Page, Projection, ReadError, Seen};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;

/// What totals are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The shop's days.
    Day,
    /// The products.
    Product,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<ReadTotals>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (moment, by) = (as_of::moment(&mut query), by(&mut query));
    let days = Days { from: day(&mut query, "from"), to: day(&mut query, "to") };
    let page = PageRequest::of(&mut query);
    query.finish()?;
    if let Some(moment) = moment {
        return past_totals::answer(&app, moment, by, days, &page, &headers).await;
    }
    let list = List::new("totals", &format!("{by:?} {days:?}"));
    match by {
        By::Day => {
            let after = page.after(&list)?;
            let found = order_totals::by_day(&app.views, days, after.as_ref(), page.limit);
            answer(&app, &headers, &list, found, DayResource::of).await
        }
        By::Product => {
            let after = page.after(&list)?;
            let found = order_totals::by_product(&app.views, days, after.as_ref(), page.limit);
            answer(&app, &headers, &list, found, ProductResource::of).await
        }
    }
}

/// Reads `by`.
pub fn by(query: &mut Query<'_>) -> By {
    query.required("by");
    query.one_of("by", &[("day", By::Day), ("product", By::Product)]).unwrap_or(By::Day)
}

/// Reads `from` or `to`: a day such as `2026-01-31`.
pub fn day(query: &mut Query<'_>, name: &str) -> Option<NaiveDate> {
    let text = query.raw(name)?;
    let day = read_day(&text);
    if day.is_none() {
        query.fault(name, "not_a_day", "must be a day such as 2026-01-31");
    }
    day
}

/// A day as it is written. chrono alone would take "2026-1-1" too, and years that the database does not know.
fn read_day(text: &str) -> Option<NaiveDate> {
    let day: NaiveDate = text.parse().ok()?;
    ((0..=9999).contains(&day.year()) && day.to_string() == text).then_some(day)
}

/// A page, by what is counted by.
pub(super) struct TotalsPage;

impl JsonSchema for TotalsPage {
    fn schema_name() -> Cow<'static, str> {
        "TotalsPage".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let pages = [
            schemas.subschema_for::<PastPageResource<DayResource>>(),
            schemas.subschema_for::<PastPageResource<ProductResource>>(),
        ];
        json_schema!({ "anyOf": pages })
    }
}

/// Waits for the view, then answers with a page of it.
async fn answer<T, K: CursorKey, R: Serialize>(
    app: &App,
    headers: &HeaderMap,
    list: &List,
    found: impl Future<Output = Result<Seen<Page<T, K>>, ReadError>>,
    show: impl Fn(T) -> R,
) -> Result<Response, Problem> {
    let mut read = Read::begin(app, OrderTotals::NAME, headers).await?;
    let Seen { value: Page { rows, next }, position } = read.run(found).await?;
    let data = rows.into_iter().map(show).collect();
    Ok(read.answer(position, list.page(data, next.as_ref())))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DayTotals")]
pub(super) struct DayResource {
    day: NaiveDate,
    currency: &'static str,
    placed: AmountsResource,
    paid: AmountsResource,
}

impl DayResource {
    pub(super) fn of(totals: DayTotals) -> Self {
        let DayTotals { day, placed, paid } = totals;
        let currency = placed.revenue.currency().code();
        Self { day, currency, placed: placed.into(), paid: paid.into() }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Amounts")]
pub(super) struct AmountsResource {
    orders: u64,
    #[schemars(with = "MoneyValue")]
    revenue: Money,
}

impl From<Amounts> for AmountsResource {
    fn from(Amounts { orders, revenue }: Amounts) -> Self {
        Self { orders, revenue }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProductTotals")]
pub(super) struct ProductResource {
    sku: String,
    currency: &'static str,
    placed: UnitsResource,
    paid: UnitsResource,
}

impl ProductResource {
    pub(super) fn of(totals: ProductTotals) -> Self {
        let ProductTotals { sku, placed, paid } = totals;
        let currency = placed.revenue.currency().code();
        Self { sku, currency, placed: placed.into(), paid: paid.into() }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Units")]
pub(super) struct UnitsResource {
    quantity: u64,
    #[schemars(with = "MoneyValue")]
    revenue: Money,
}

impl From<Units> for UnitsResource {
    fn from(Units { quantity, revenue }: Units) -> Self {
        Self { quantity, revenue }
    }
}

impl CursorKey for DayKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{} {}", self.day, self.currency).into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (day, currency) = two_words(bytes)?;
        Some(Self { day: read_day(day)?, currency: currency.to_owned() })
    }
}

impl CursorKey for ProductKey {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{} {}", self.sku, self.currency).into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sku, currency) = two_words(bytes)?;
        Some(Self { sku: sku.to_owned(), currency: currency.to_owned() })
    }
}

fn two_words(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    // The database takes no text with this in it.
    if text.contains('\0') { None } else { text.split_once(' ') }
}
