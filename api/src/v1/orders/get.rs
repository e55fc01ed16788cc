//! `GET /v1/orders/{id}`: one order. From the view, or from the log where the view is behind: so it is never missing
//! after it was placed, and a position that a client asks for is never waited for. With `as_of` what it was, folded
//! from its own events.

use super::super::as_of;
use super::super::incoming::Resource;
use super::super::reads::{Read, Wanted, versioned};
use super::id;
use super::resource::OrderResource;
use crate::app::App;
use crate::auth::permission::ReadOrders;
use crate::http::query::Query;
use crate::problem::{Code, Problem, rejection};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::Moment;
use domain::ids::OrderId;
use domain::order::Order;
use http::HeaderMap;
use projections::{Projection, Seen, order_list};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    id::Reached { order: id, .. }: id::Reached<ReadOrders>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let moment = as_of::moment(&mut query);
    query.finish()?;
    if let Some(moment) = moment {
        return then(&app, id, moment, &headers).await;
    }
    let wanted = Wanted::of(&headers)?;
    let mut read = Read::new(&app, order_list::OrderList::NAME);
    match read.run(order_list::get(&app.views, id)).await {
        Ok(Seen { position, value: Some(row) }) if position >= wanted.position.unwrap_or_default() => {
            let body = serde_json::to_string(&OrderResource::of_row(&row)).map_err(|_| Problem::internal())?;
            return Ok(versioned(read.answer(position, body), row.version, &headers));
        }
        // Also when the view can't be read for now: the log knows.
        Ok(_) => {}
        Err(problem) if problem.code() == Code::ProjectionBehind => {}
        Err(problem) => return Err(problem),
    }
    let (snapshot, position) = read.load::<Order>(&id.to_string(), &wanted).await?;
    let body = Order::json(&snapshot).ok_or_else(rejection::not_found::<Order>)?;
    Ok(versioned(read.answer(position, body), snapshot.version, &headers))
}

/// The order as it was. Before it was placed there is none.
async fn then(app: &App, id: OrderId, moment: Moment, headers: &HeaderMap) -> Result<Response, Problem> {
    let (then, _place) = as_of::locate(app, &app.as_of_orders, moment, headers).await?;
    let mut read = Read::new(app, order_list::OrderList::NAME);
    let snapshot = read.load_as_of::<Order>(&id.to_string(), then.position).await?;
    let order = OrderResource::of_snapshot(&snapshot).ok_or_else(rejection::not_found::<Order>)?;
    let body = serde_json::to_string(&order.at(then)).map_err(|_| Problem::internal())?;
    Ok(versioned(read.answer(then.position, body), snapshot.version, headers))
}
