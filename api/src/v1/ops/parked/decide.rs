//! `POST /v1/ops/parked/{id}/retry` and `…/discard`: decides on one item. `POST /v1/ops/parked/retry` and `…/discard`:
//! on all that a filter finds, if they are as many as `expected`.

use super::super::super::incoming::Incoming;
use super::super::super::reads::json_of;
use super::super::words::{Called, Words};
use super::{ConsumerName, Item, STATES, TypeName, not_found};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::problem::{Code, Problem};
use axum::extract::{Request, State};
use axum::response::Response;
use consumers::ledger::State as Effect;
use consumers::parked::decide::MOST_AT_ONCE;
use consumers::parked::{self, Decided, Decision, Filter, Many};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
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
        Decided::Done => json_of(&DecidedResource { count: 1 }),
        Decided::NotParked => match parked::show(&app.log, id).await? {
            None => Err(not_found()),
            Some(detail) => {
                let problem = Problem::new(Code::NotParked, why_not(detail.item.state));
                Err(problem.with("state", detail.item.state.as_str()))
            }
        },
    }
}

fn why_not(state: Effect) -> &'static str {
    match state {
        Effect::Waiting => "It waits, and is tried again by itself: it can be tried now, and not be discarded.",
        Effect::Claimed | Effect::Sending => "It is being tried at this moment.",
        _ => "Somebody has decided on it, or it is done.",
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
    let (filter, expected) = body::read(&incoming.body, |fields| asked(fields, decision))?;
    match parked::decide_all(app.log.pool(), &filter, decision, expected, &who).await? {
        Many::Done(count) => json_of(&DecidedResource { count }),
        Many::Changed(count) => {
            let detail = format!("There are {count} such items by now: look at them, and send that as `expected`.");
            Err(Problem::new(Code::CountChanged, detail).with("count", count))
        }
        Many::TooMany => {
            let detail = format!("At most {MOST_AT_ONCE} items are decided on at once: narrow the filter down.");
            Err(Problem::new(Code::TooMany, detail))
        }
        Many::NotDiscarded => Err(Problem::new(Code::NotParked, why_not(Effect::Waiting))),
    }
}

/// Reads which items are meant, and how many they should be.
pub(super) fn asked(body: &mut Fields<'_, '_>, decision: Decision) -> Option<(Filter, u64)> {
    let expected = body.number("expected");
    let consumer = body.optional_text("consumer", ConsumerName::parse).map(|name| name.map(|name| name.0));
    let aggregate_id = body.optional_text("order", Called::parse).map(|name| name.map(|name| name.0));
    let event_type = body.optional_text("type", TypeName::parse).map(|name| name.map(|name| name.0));
    let reason = body.optional_text("reason", Words::parse).map(|words| words.map(|words| words.0));
    let state = match decision {
        Decision::Retry => body.optional_text("state", Retried::parse).map(|state| state.map(|state| state.0)),
        Decision::Discard => body.optional_text("state", Discarded::parse).map(|state| state.map(|state| state.0)),
    };
    let (consumer, aggregate_id, event_type, reason) = (consumer?, aggregate_id?, event_type?, reason?);
    Some((Filter { consumer, aggregate_id, event_type, reason, state: state? }, expected?))
}

/// A state of what can be tried again.
struct Retried(Effect);

/// A state of what can be discarded: what waits is tried again by itself.
struct Discarded(Effect);

/// The states that can be discarded.
const DISCARDED: [Effect; 2] = [Effect::Parked, Effect::Unknown];

impl Retried {
    fn parse(text: &str) -> Result<Self, NoState> {
        state(text, &STATES).map(Self)
    }
}

impl Discarded {
    fn parse(text: &str) -> Result<Self, NoState> {
        state(text, &DISCARDED).map(Self)
    }
}

impl body::Shaped for Retried {
    fn shape() -> Value {
        json!({ "type": "string", "enum": STATES.map(Effect::as_str) })
    }
}

impl body::Shaped for Discarded {
    fn shape() -> Value {
        json!({ "type": "string", "enum": DISCARDED.map(Effect::as_str) })
    }
}

fn state(text: &str, possible: &'static [Effect]) -> Result<Effect, NoState> {
    possible.iter().copied().find(|state| state.as_str() == text).ok_or(NoState(possible))
}

/// It is none of these states.
struct NoState(&'static [Effect]);

impl std::fmt::Display for NoState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|state| state.as_str()).collect();
        write!(f, "must be {}", names.join(" or "))
    }
}

impl crate::problem::ValueError for NoState {
    fn code(&self) -> &'static str {
        "unknown_value"
    }
}
