//! `GET /v1/totals?as_of=…`: the totals as they were.
//!
//! What they come to is made once for all pages, and kept for a while under its position: it never changes.

use super::as_of;
use super::paging::{List, PageRequest};
use super::reads::Read;
use super::totals::{By, DayResource, ProductResource};
use crate::http::App;
use crate::problem::Problem;
use axum::response::Response;
use commands::{AsOf, Moment};
use domain::Position;
use http::HeaderMap;
use projections::order_totals::{self, DayKey, DayTotals, Days, OrderTotals, ProductKey, ProductTotals};
use projections::{AsOfError, Page, Projection};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// How many answers of each kind are kept, of at most [`order_totals::MAX_ROWS`] rows each.
const KEPT: usize = 4;

/// Whose totals they are.
type Key = (Position, Days);

/// Totals of earlier moments that were asked for lately.
pub(crate) struct PastTotals {
    days: Cache<Key, Arc<Vec<DayTotals>>>,
    products: Cache<Key, Arc<Vec<ProductTotals>>>,
}

impl PastTotals {
    pub(crate) fn new() -> Self {
        Self { days: Cache::new(KEPT), products: Cache::new(KEPT) }
    }

    /// Those by day. Who asks for the same at once waits for the one who was first.
    async fn by_day(&self, app: &App, key: Key) -> Result<Arc<Vec<DayTotals>>, AsOfError> {
        let (at, days) = key;
        let most = app.settings().max_as_of_events;
        let make = async { order_totals::by_day_as_of(&app.views, days, at, most, &mut |_, _| ()).await.map(Arc::new) };
        self.days.get_or_insert_async(&key, make).await
    }

    /// Those by product.
    async fn by_product(&self, app: &App, key: Key) -> Result<Arc<Vec<ProductTotals>>, AsOfError> {
        let (at, days) = key;
        let most = app.settings().max_as_of_events;
        let make =
            async { order_totals::by_product_as_of(&app.views, days, at, most, &mut |_, _| ()).await.map(Arc::new) };
        self.products.get_or_insert_async(&key, make).await
    }
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
    let list = List::new("totals as of", &format!("{} {by:?} {days:?}", then.position));
    let mut read = Read::begin_as_of(app, OrderTotals::NAME, headers, then.position).await?;
    let key = (then.position, days);
    let body = match by {
        By::Day => {
            let after = page.after(&list)?;
            let all = read.run_as_of(app.past_totals.by_day(app, key)).await?;
            let Page { rows, next } = order_totals::page_of_days(&all, after.as_ref(), page.limit);
            let data = rows.into_iter().map(DayResource::of).collect();
            list.page_as_of(data, next.as_ref(), then.into())
        }
        By::Product => {
            let after = page.after(&list)?;
            let all = read.run_as_of(app.past_totals.by_product(app, key)).await?;
            let Page { rows, next } = order_totals::page_of_products(&all, after.as_ref(), page.limit);
            let data = rows.into_iter().map(ProductResource::of).collect();
            list.page_as_of(data, next.as_ref(), then.into())
        }
    };
    Ok(read.answer(then.position, body))
}
