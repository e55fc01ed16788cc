//! `GET /v1/orders/{id}`: one order. From the view, or from the log where the view is behind: so it is never missing
//! after it was placed, and a position that a client asks for is never waited for.

use super::super::incoming::Resource;
use super::super::reads::{Read, Wanted, versioned};
use super::id;
use super::resource::OrderResource;
use crate::auth::permission::ReadOrders;
use crate::http::App;
use crate::http::query::Query;
use crate::problem::{Code, Problem, rejection};
use axum::extract::{RawQuery, State};
use axum::response::Response;
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
    Query::new(query.as_deref()).finish()?;
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
