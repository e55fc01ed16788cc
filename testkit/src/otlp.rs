//! A collector of traces: takes OTLP over HTTP (protobuf), as the specification asks, and keeps the spans that it was
//! sent.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, body::Bytes};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PROTOBUF: &str = "application/x-protobuf";

/// A span as it was sent; ids in hexadecimal digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Under which service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The trace that it is a part of.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// Its parent's; empty where it has none.
    pub parent_id: String,
    /// The spans of other traces that it is about: trace and span.
    pub links: Vec<(String, String)>,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: &'static str,
    /// What is said of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it failed.
    pub is_error: bool,
    /// When it began and ended, in nanoseconds since 1970.
    pub times: (u64, u64),
}

/// A collector on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Collector {
    shared: Arc<Shared>,
    url: String,
    served: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    headers: Mutex<Vec<HeaderMap>>,
    /// What the next requests are refused with.
    refusals: Mutex<VecDeque<(u16, &'static str)>>,
    /// How many requests were refused.
    refused: Mutex<usize>,
    /// Whether requests wait for their answer.
    holds: watch::Sender<bool>,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        let served = tokio::spawn(async move { axum::serve(listener, router).await.expect("a collector serves") });
        Self { shared, url, served }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// Refuses one of the next requests with a status and a `Retry-After`.
    pub fn refuse(&self, status: u16, retry_after: &'static str) {
        lock(&self.shared.refusals).push_back((status, retry_after));
    }

    /// How many requests it has refused.
    pub fn refused(&self) -> usize {
        *lock(&self.shared.refused)
    }

    /// Takes requests from now on, and answers none.
    pub fn hold(&self) {
        self.shared.holds.send_replace(true);
    }

    /// All that it was sent so far, in the order in which it came.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    /// The headers of each request so far.
    pub fn headers(&self) -> Vec<HeaderMap> {
        lock(&self.shared.headers).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if headers.get(header::CONTENT_TYPE).is_none_or(|media_type| media_type != PROTOBUF) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    if let Some((status, retry_after)) = lock(&shared.refusals).pop_front() {
        *lock(&shared.refused) += 1;
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, [(header::RETRY_AFTER, retry_after)]).into_response();
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST.into_response() };
    lock(&shared.headers).push(headers);
    for of_resource in request.resource_spans {
        let attributes = of_resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
        let service = service.map(|attribute| text(attribute.value)).unwrap_or_default();
        let sent = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        lock(&shared.spans).extend(sent.map(|sent| span(service.clone(), sent)));
    }
    let mut holds = shared.holds.subscribe();
    holds.wait_for(|holds| !holds).await.expect("it lives as long as the collector");
    ([(header::CONTENT_TYPE, PROTOBUF)], ExportTraceServiceResponse::default().encode_to_vec()).into_response()
}

fn span(service: String, sent: proto::Span) -> Span {
    Span {
        service,
        kind: kind(sent.kind),
        name: sent.name,
        trace_id: hex(&sent.trace_id),
        span_id: hex(&sent.span_id),
        parent_id: hex(&sent.parent_span_id),
        links: sent.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: sent.attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect(),
        is_error: sent.status.is_some_and(|status| status.code == proto::status::StatusCode::Error as i32),
        times: (sent.start_time_unix_nano, sent.end_time_unix_nano),
    }
}

fn kind(kind: i32) -> &'static str {
    match proto::span::SpanKind::try_from(kind) {
        Ok(proto::span::SpanKind::Server) => "server",
        Ok(proto::span::SpanKind::Client) => "client",
        Ok(proto::span::SpanKind::Producer) => "producer",
        Ok(proto::span::SpanKind::Consumer) => "consumer",
        _ => "internal",
    }
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
