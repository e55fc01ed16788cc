//! What is told of one request while it is worked on: in the log's lines, and to whoever collects traces.

use super::context::sent_traceparent;
use super::edge::Edge;
use super::request_id::RequestId;
use axum::extract::Request;
use commands::trace;
use http::StatusCode;
use std::time::Duration;
use tracing::{Instrument, Span, field};

/// What is asked for every few seconds by those who watch the process: traces of it would say nothing, and hide the
/// others.
const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The spans of one request.
pub(super) struct Spans {
    /// Around the log's lines.
    logged: Span,
    /// A child of the client's, if it sent one. What the request leads to hangs on it, also hours later.
    exported: Span,
}

impl Spans {
    pub(super) fn of(edge: &Edge, request: &Request, id: &RequestId) -> Self {
        let (method, sent) = (request.method(), sent_traceparent(request.headers()));
        let exported = exported(edge, request, id);
        trace::continues(&exported, sent.as_deref());
        let logged = tracing::info_span!(
            "request", request_id = id.as_str(), %method, path = edge.path, trace_id = field::Empty
        );
        let own = trace::traceparent(&exported).or(sent);
        if let Some(trace_id) = own.as_deref().and_then(trace::trace_id) {
            logged.record("trace_id", trace_id);
        }
        Self { logged, exported }
    }

    /// Works within them.
    pub(super) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.exported.clone()).instrument(self.logged.clone()).await
    }

    pub(super) fn answered(&self, status: StatusCode, took: Duration) {
        self.exported.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.exported.record("otel.status_code", "error");
        }
        let ms = took.as_secs_f64() * 1_000.0;
        self.logged.in_scope(|| tracing::debug!(status = status.as_u16(), ms, "answered"));
    }
}

fn exported(edge: &Edge, request: &Request, id: &RequestId) -> Span {
    if WATCHED.contains(&edge.path) {
        return Span::none();
    }
    let method = request.method();
    tracing::info_span!(
        target: trace::TARGET,
        parent: None,
        "request",
        otel.name = format_args!("{method} {}", edge.path),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = %method,
        http.route = edge.path,
        http.response.status_code = field::Empty,
        // What a client made up may be anything; it stands in the log's lines alone, beside the trace's id.
        request_id = id.uuid().map(field::display),
    )
}
