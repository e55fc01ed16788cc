//! `GET /v1/orders/{id}/history`: what happened to an order, the newest first: in words, and what it changed.

use super::super::paging::{List, PageRequest};
use super::super::reads::json;
use super::super::time;
use super::id;
use crate::app::App;
use crate::auth::permission::ReadOrders;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::order_history::{FieldChange, History, Step, words};
use crate::problem::{Problem, rejection, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::order::Order;
use projections::order_list::Whose;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Something that happened to an order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrderStep")]
pub(super) struct StepResource<'h> {
    /// Where its event stands in the log; an `as_of`.
    position: u64,
    /// The order's version from then on.
    sequence: u64,
    /// The type of the event.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// When the event was recorded. Never runs backwards along positions.
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    recorded_at: DateTime<Utc>,
    /// When it occurred, by the clock of whoever made it.
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    occurred_at: DateTime<Utc>,
    /// Who did it: an API key's id, somebody of staff, or the system's own name for itself. Not told to a member's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'h str>,
    /// One sentence in English.
    words: String,
    changes: Vec<FieldChange<'h>>,
}

impl<'h> StepResource<'h> {
    fn of(step: Step<'h>, whose: Whose) -> Self {
        let Step { recorded, event, changes } = step;
        let actor = match whose {
            Whose::All => Some(&*recorded.metadata.actor),
            // Who of the shop did something is the shop's affair.
            Whose::Of(_) => None,
        };
        Self {
            position: recorded.position.0,
            sequence: recorded.sequence,
            event_type: event.event_type(),
            recorded_at: recorded.recorded_at,
            occurred_at: recorded.metadata.occurred_at,
            actor,
            words: words(event),
            changes,
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    id::Reached { allowed, order }: id::Reached<ReadOrders>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let page = PageRequest::of(&mut query);
    query.finish()?;
    let list = List::new("order history", &order.to_string());
    let before: Option<u64> = page.after(&list)?;
    let limit = page.limit as usize;
    // One more than the page has tells whether there is another.
    let history = within(History::of(&app.log, order, before, limit + 1)).await?;
    if !history.is_of_an_order() {
        return Err(rejection::not_found::<Order>());
    }
    let mut steps: Vec<Step<'_>> = history.steps().rev().collect();
    let is_more = steps.len() > limit;
    steps.truncate(limit);
    let next = steps.last().filter(|_| is_more).map(|step| step.recorded.sequence);
    let steps = steps.into_iter().map(|step| StepResource::of(step, allowed.key.whose)).collect();
    Ok(json(list.page::<StepResource<'_>, u64>(steps, next.as_ref())))
}
