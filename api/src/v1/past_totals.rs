//! `GET /v1/totals?as_of=…`: the totals as they were.
//!
//! What they come to is made once for all pages, and kept for a while under its position: it never changes,
//! unless another build is read, which may count days of another time zone.

use super::as_of;
use super::paging::{List, PageRequest};
use super::reads::Read;
use super::totals::{By, DayResource, ProductResource};
use crate::app::App;
use crate::problem::Problem;
use axum::response::Response;
use commands::{AsOf, Moment};
use http::HeaderMap;
use projections::order_totals::{self, Bounds, DayKey, DayTotals, Days, OrderTotals, Past, ProductKey, ProductTotals};
use projections::{AsOfError, Page, Projection};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// How many answers of each kind are kept, of at most [`as_of::MAX_ROWS`] rows each.
const KEPT: usize = 4;

/// Totals of earlier moments that were asked for lately, by the build too whose days they count.
pub(crate) struct PastTotals {
    days: Cache<Past, Arc<Vec<DayTotals>>>,
    products: Cache<Past, Arc<Vec<ProductTotals>>>,
}

impl PastTotals {
    pub(crate) fn new() -> Self {
        Self { days: Cache::new(KEPT), products: Cache::new(KEPT) }
    }

    /// Those by day. Who asks for the same at once waits for the one who was first.
    async fn by_day(&self, app: &App, past: &Past) -> Result<Arc<Vec<DayTotals>>, AsOfError> {
        let make =
            async { order_totals::by_day_as_of(&app.views, past, bounds(app), &mut |_, _| ()).await.map(Arc::new) };
        self.days.get_or_insert_async(past, make).await
    }

    /// Those by product.
    async fn by_product(&self, app: &App, past: &Past) -> Result<Arc<Vec<ProductTotals>>, AsOfError> {
        let make =
            async { order_totals::by_product_as_of(&app.views, past, bounds(app), &mut |_, _| ()).await.map(Arc::new) };
        self.products.get_or_insert_async(past, make).await
    }
}

fn bounds(app: &App) -> Bounds {
    Bounds { events: app.settings().max_as_of_events, rows: as_of::MAX_ROWS }
}

/// All of them as one document, as a page of the API is.
pub(crate) fn days_json(rows: Vec<DayTotals>, then: AsOf) -> String {
    List::new("totals as of", "").page_as_of::<_, DayKey>(
        rows.into_iter().map(DayResource::of).collect(),
        None,
        then.into(),
    )
}

/// The same by product.
pub(crate) fn products_json(rows: Vec<ProductTotals>, then: AsOf) -> String {
    let data = rows.into_iter().map(ProductResource::of).collect();
    List::new("totals as of", "").page_as_of::<_, ProductKey>(data, None, then.into())
}

pub(super) async fn answer(
    app: &App,
    moment: Moment,
    by: By,
    days: Days,
    page: &PageRequest<'_>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (then, _place) = as_of::locate(app, &app.as_of, moment, headers).await?;
    let mut read = Read::begin_as_of(app, OrderTotals::NAME, headers, then.position).await?;
    let past = read.run_as_of(Past::of(&app.views, days, then.position)).await?;
    // Pages of days in one time zone are not gone on with in another.
    let list = List::new("totals as of", &format!("{} {by:?} {days:?} {}", then.position, past.build.time_zone.name()));
    let body = match by {
        By::Day => {
            let after = page.after(&list)?;
            let all = read.run_as_of(app.past_totals.by_day(app, &past)).await?;
            let Page { rows, next } = order_totals::page_of_days(&all, after.as_ref(), page.limit);
            let data = rows.into_iter().map(DayResource::of).collect();
            list.page_as_of(data, next.as_ref(), then.into())
        }
        By::Product => {
            let after = page.after(&list)?;
            let all = read.run_as_of(app.past_totals.by_product(app, &past)).await?;
            let Page { rows, next } = order_totals::page_of_products(&all, after.as_ref(), page.limit);
            let data = rows.into_iter().map(ProductResource::of).collect();
            list.page_as_of(data, next.as_ref(), then.into())
        }
    };
    Ok(read.answer(then.position, body))
}
