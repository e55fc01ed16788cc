//! `GET /v1/ops/parked`: what is parked or of unknown outcome, the oldest first. Any of `consumer`, `order`, `type`,
//! `reason` (a part of it) and `state` narrows it down; the state `waiting` asks for what waits instead.

use super::super::super::paging::{List, PageRequest};
use super::super::super::reads::json;
use super::super::words::{Called, Words};
use super::{ConsumerName, ParkedResource, STATES, TypeName};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::query::Query;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use consumers::parked::{self, Filter};
use std::sync::Arc;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (filter, page) = (filter(&mut query), PageRequest::of(&mut query));
    query.finish()?;
    let list = List::new("parked", &format!("{filter:?}"));
    let after = page.after::<u64>(&list)?.map_or(0, u64::cast_signed);
    let items = within(parked::list_of(app.log.pool(), &filter, after, page.limit)).await?;
    Ok(json(list.page_of(&items, page.limit, |item| item.id, ParkedResource::from)))
}

fn filter(query: &mut Query<'_>) -> Filter {
    let consumer = query.parsed("consumer", ConsumerName::parse).map(|name| name.0);
    let aggregate_id = query.parsed("order", Called::parse).map(|name| name.0);
    let event_type = query.parsed("type", TypeName::parse).map(|name| name.0);
    let reason = query.parsed("reason", Words::parse).map(|words| words.0);
    let state = query.one_of("state", &STATES.map(|state| (state.as_str(), state)));
    Filter { consumer, aggregate_id, event_type, reason, state }
}
