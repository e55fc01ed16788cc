//! `GET /v1/orders`: all orders that the key reaches, newest first, filtered by payment, status, and when they were
//! placed or last changed. With `as_of` as they were.

use super::super::as_of;
use super::super::paging::{CursorKey, List, PageRequest};
use super::super::reads::Read;
use super::resource::OrderResource;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::ReadOrders;
use crate::http::query::Query;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Datelike};
use commands::Moment;
use domain::Position;
use http::HeaderMap;
use projections::order_list::{self, Filter, ListKey, OrderRow, Status, Whose};
use projections::{Page, Projection};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<ReadOrders>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (moment, filter, page) = (as_of::moment(&mut query), filter(&mut query), PageRequest::of(&mut query));
    query.finish()?;
    if let Some(moment) = moment {
        return then(&app, allowed.key.whose, moment, &filter, &page, &headers).await;
    }
    let list = List::new("orders", &format!("{filter:?}"));
    let after = page.after(&list)?;
    let mut read = Read::begin(&app, order_list::OrderList::NAME, &headers).await?;
    let seen = read.run(order_list::list(&app.views, allowed.key.whose, &filter, after, page.limit)).await?;
    Ok(read.answer(seen.position, self::page(&list, &seen.value)))
}

/// The list as it was.
async fn then(
    app: &App,
    whose: Whose,
    moment: Moment,
    filter: &Filter,
    page: &PageRequest<'_>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (then, _place) = as_of::locate(app, &app.as_of, moment, headers).await?;
    let list = List::new("orders as of", &format!("{} {filter:?}", then.position));
    let after = page.after(&list)?;
    let mut read = Read::begin_as_of(app, order_list::OrderList::NAME, headers, then.position).await?;
    let found = order_list::list_as_of(&app.views, whose, filter, then, after, page.limit);
    let Page { rows, next } = read.run_as_of(found).await?;
    let data = rows.iter().map(OrderResource::of_row).collect();
    Ok(read.answer(then.position, list.page_as_of(data, next.as_ref(), then.into())))
}

/// What the query says of payment, status and times.
pub fn filter(query: &mut Query<'_>) -> Filter {
    Filter {
        paid: query.boolean("paid"),
        status: query.one_of("status", &[(Status::Placed.as_str(), Status::Placed)]),
        placed_from: query.time("placed_from"),
        placed_to: query.time("placed_to"),
        updated_from: query.time("updated_from"),
        updated_to: query.time("updated_to"),
    }
}

/// A page of orders, of whatever list.
pub(super) fn page(list: &List, page: &Page<OrderRow, ListKey>) -> String {
    list.page(page.rows.iter().map(OrderResource::of_row).collect(), page.next.as_ref())
}

impl CursorKey for ListKey {
    fn to_bytes(&self) -> Vec<u8> {
        let (recorded_at, position) = (self.recorded_at.timestamp_micros(), self.position.0);
        [recorded_at.to_be_bytes(), position.to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (recorded_at, position) = bytes.split_at_checked(size_of::<i64>())?;
        let recorded_at = DateTime::from_timestamp_micros(i64::from_be_bytes(recorded_at.try_into().ok()?))?;
        // The database knows fewer years than chrono.
        if !(0..=9999).contains(&recorded_at.year()) {
            return None;
        }
        Some(Self { recorded_at, position: Position(u64::from_be_bytes(position.try_into().ok()?)) })
    }
}
