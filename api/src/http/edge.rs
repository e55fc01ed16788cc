//! What every request goes through, once: its id, admission, the guard against panics, and the finish of its answer.

use super::negotiate::Produces;
use super::request_id::{REQUEST_ID, RequestId};
use super::timing;
use crate::metrics::RequestTimes;
use crate::problem::{Code, Problem};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tracing::Instrument;

/// The edge of one path.
pub(super) struct Edge {
    /// The path's template, which holds nothing personal.
    pub(super) path: &'static str,
    pub(super) produces: Produces,
    /// How many more requests may be worked on; `None` for what must answer also when all is busy.
    pub(super) room: Option<Arc<Semaphore>>,
    pub(super) times: RequestTimes,
}

/// Runs a request through the edge.
pub(super) async fn run(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let span = tracing::info_span!("request", request_id = id.as_str(), %method, path = edge.path);
    // A panic is logged where it happens, by the hook, within the span. The handler's state is gone with it.
    let answered = AssertUnwindSafe(admit(&edge, request, next)).catch_unwind().instrument(span.clone()).await;
    let response = finish(answered.unwrap_or_else(|_| Problem::internal().into_response()), &id);
    let (status, took) = (response.status().as_u16(), started.elapsed());
    edge.times.record(&method, status, took);
    span.in_scope(|| tracing::debug!(status, ms = took.as_secs_f64() * 1_000.0, "answered"));
    response
}

async fn admit(edge: &Edge, request: Request, next: Next) -> Response {
    let _place = match edge.room.as_ref().map(|room| room.try_acquire()) {
        None => None,
        Some(Ok(place)) => Some(place),
        Some(Err(_)) => {
            return Problem::new(Code::Overloaded, "Nothing was changed; try again.").into_response();
        }
    };
    match edge.produces.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn finish(mut response: Response, id: &RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(id.as_str());
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.entry(timing::SERVER_TIMING).or_insert_with(timing::none);
    response
}
