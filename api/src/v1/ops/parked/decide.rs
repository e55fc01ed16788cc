//! `POST /v1/ops/parked/{id}/retry` and `…/discard`: decides on one item. `POST /v1/ops/parked/retry` and `…/discard`: on all that a filter
//! finds, if they are as many as `expected`.

use super::super::super::incoming::Incoming;
use super::super::answer;
use super::super::words::{Called, Words};
use super::{Item, not_found};
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::body::{self, Accepts, Fields};
use crate::http::{App, RequestId};
use crate::problem::{Code, Problem};
use axum::extract::{Request, State};
use axum::response::Response;
use consumers::ledger::State as Effect;
use consumers::parked::decide::MOST_AT_ONCE;
use consumers::parked::{self, Decided, Decision, Filter, Many};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What was decided.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ParkedDecision")]
pub(super) struct DecidedResource {
    /// For how many items it was carried out.
    pub(super) count: u64,
}

pub(in crate::v1) async fn retry(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    item: Item,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    one(&app, allowed, item, request_id, request, Decision::Retry).await
}

pub(in crate::v1) async fn discard(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    item: Item,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    one(&app, allowed, item, request_id, request, Decision::Discard).await
}

async fn one(
    app: &App,
    allowed: Allowed<RunSystem>,
    Item(id): Item,
    request_id: RequestId,
    request: Request,
    decision: Decision,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    Incoming::receive_nothing(allowed, request_id, request).await?;
    let decided = match decision {
        Decision::Retry => parked::retry(app.log.pool(), id, &who).await?,
        Decision::Discard => parked::discard(app.log.pool(), id, &who).await?,
    };
    match decided {
        Decided::Done => answer(&DecidedResource { count: 1 }),
        Decided::NotParked => match parked::show(&app.log, id).await? {
            None => Err(not_found()),
            Some(detail) => {
                let problem = Problem::new(Code::NotParked, "Somebody has decided on it, or it is done.");
                Err(problem.with("state", detail.item.state.as_str()))
            }
        },
    }
}

pub(in crate::v1) async fn retry_all(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    many(&app, allowed, request_id, request, Decision::Retry).await
}

pub(in crate::v1) async fn discard_all(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    many(&app, allowed, request_id, request, Decision::Discard).await
}

async fn many(
    app: &App,
    allowed: Allowed<RunSystem>,
    request_id: RequestId,
    request: Request,
    decision: Decision,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    let (filter, expected) = body::read(&incoming.body, asked)?;
    match parked::decide_all(app.log.pool(), &filter, decision, expected, &who).await? {
        Many::Done(count) => answer(&DecidedResource { count }),
        Many::Changed(count) => {
            let detail = format!("There are {count} such items by now: look at them, and send that as `expected`.");
            Err(Problem::new(Code::CountChanged, detail).with("count", count))
        }
        Many::TooMany => {
            let detail = format!("At most {MOST_AT_ONCE} items are decided on at once: narrow the filter down.");
            Err(Problem::new(Code::TooMany, detail))
        }
    }
}

/// Reads which items are meant, and how many they should be.
pub(super) fn asked(body: &mut Fields<'_, '_>) -> Option<(Filter, u64)> {
    let expected = body.number("expected");
    let mut called = |name| body.optional_text(name, Called::parse).map(|name| name.map(|name| name.0));
    let (consumer, aggregate_id, event_type) = (called("consumer"), called("order"), called("type"));
    let reason = body.optional_text("reason", Words::parse).map(|words| words.map(|words| words.0));
    let state = body.optional_text("state", |text| match text {
        "parked" => Ok(StateName(Effect::Parked)),
        "unknown" => Ok(StateName(Effect::Unknown)),
        _ => Err(NoState),
    });
    let (consumer, aggregate_id, event_type, reason) = (consumer?, aggregate_id?, event_type?, reason?);
    let state = state?.map(|StateName(state)| state);
    Some((Filter { consumer, aggregate_id, event_type, reason, state }, expected?))
}

/// A state that needs a person.
struct StateName(Effect);

impl body::Shaped for StateName {
    fn shape() -> serde_json::Value {
        serde_json::json!({ "type": "string", "enum": ["parked", "unknown"] })
    }
}

/// No such state.
struct NoState;

impl std::fmt::Display for NoState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("must be parked or unknown")
    }
}

impl crate::problem::ValueError for NoState {
    fn code(&self) -> &'static str {
        "unknown_value"
    }
}
