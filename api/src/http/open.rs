//! What answers without an API key: liveness, readiness, numbers, and what problems are. None of it tells of orders or
//! people; who must not see it is kept away by the network.

use super::open_operations::{Alive, ProblemType};
use super::{Produces, Routes};
use crate::app::App;
use crate::problem::{Code, Problem};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .always("/healthz", Produces::Json, get(healthz))
        .always("/readyz", Produces::Json, get(readyz))
        .always("/metrics", Produces::Text, get(metrics))
        .always("/problems/{slug}", Produces::Json, get(problem))
}

/// It answers, so it lives.
async fn healthz() -> Response {
    Json(Alive { alive: true }).into_response()
}

/// 200 when this process can do its work, else 503 with the reasons.
async fn readyz(State(app): State<Arc<App>>) -> Response {
    let report = app.readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (status, Json(&report)).into_response();
    if !report.ready {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Prometheus' text format, version 0.0.4.
async fn metrics() -> Response {
    let media_type = HeaderValue::from_static(crate::metrics::MEDIA_TYPE);
    ([(header::CONTENT_TYPE, media_type)], crate::metrics::recorder().render()).into_response()
}

/// What a problem's `type` leads to.
async fn problem(Path(slug): Path<String>) -> Result<Response, Problem> {
    let code = Code::ALL
        .iter()
        .find(|code| code.slug() == slug)
        .ok_or_else(|| Problem::new(Code::NotFound, "There is no problem of this type."))?;
    Ok(Json(ProblemType::from(*code)).into_response())
}
