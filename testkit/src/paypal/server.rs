//! What the fake answers at which path.

use super::orders::{Answer, refusal};
use super::{At, BOUND, CLIENT_ID, CLIENT_SECRET, Credential, Fault, Notice, Shared};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/oauth2/token", post(token))
        .route("/v2/checkout/orders", post(create))
        .route("/v2/checkout/orders/{id}", get(show))
        .route("/v2/checkout/orders/{id}/capture", post(capture))
        .route("/v2/payments/captures/{id}", get(show_capture))
        .route("/v1/notifications/certs/{name}", get(certificate))
        .route("/checkoutnow", get(page).post(agree))
        .with_state(shared)
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let fault = shared.count(At::Token);
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let answer = if text(&headers, "authorization") != expected {
        (401, json!({ "error": "invalid_client", "error_description": "Client Authentication failed" }))
    } else if body != "grant_type=client_credentials" {
        (400, json!({ "error": "unsupported_grant_type" }))
    } else {
        let token = bearer(&shared);
        (
            200,
            json!({ "access_token": token, "token_type": "Bearer", "app_id": "APP-80W284485P519543T", "expires_in": 32_400 }),
        )
    };
    spoilt(fault, answer).await
}

/// The token that is good now.
fn bearer(shared: &Shared) -> String {
    format!(
        "A21AAFEpH4PsADK7qSS7pSRsgzfENtu-Q1ysgEDVDESseMHBYXVJYE8ovjj68elIDy8nF26AwPhfXTIeWAZHSLIsQkSYz9ifg-{}",
        shared.state().tokens
    )
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let fault = shared.count(At::Create);
    if let Some(spoilt) = undone(fault).await {
        return spoilt;
    }
    let answer = match (authorized(&shared, &headers), serde_json::from_str::<Value>(&body)) {
        (Err(refused), _) => refused,
        (Ok(()), Ok(body)) if text(&headers, "content-type").starts_with("application/json") => {
            let base = shared.url("");
            shared.state().book.create(text(&headers, "paypal-request-id"), &body, &base)
        }
        _ => refusal(400, "INVALID_REQUEST", "MALFORMED_REQUEST_JSON"),
    };
    spoilt(fault, answer).await
}

async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let fault = shared.count(At::Show);
    if let Some(spoilt) = undone(fault).await {
        return spoilt;
    }
    let answer = match authorized(&shared, &headers) {
        Err(refused) => refused,
        Ok(()) => shared.state().book.show(&id, &shared.url("")),
    };
    spoilt(fault, answer).await
}

async fn capture(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let fault = shared.count(At::Capture);
    if let Some(spoilt) = undone(fault).await {
        return spoilt;
    }
    if let Err(refused) = authorized(&shared, &headers) {
        return answered(refused);
    }
    let whole = text(&headers, "prefer") == "return=representation";
    let base = shared.url("");
    let (answer, told) = shared.state().book.capture(&id, text(&headers, "paypal-request-id"), whole, &base);
    if let Some((event, resource)) = told {
        let notice = Notice::new(event, "capture", resource);
        let notify = shared.state().notify.clone();
        match (fault, notify) {
            (Some(Fault::NoticeFirst), Some(url)) => shared.deliver_until_taken(&notice, &url).await,
            _ => shared.tell(notice),
        }
    }
    spoilt(fault, answer).await
}

async fn show_capture(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let fault = shared.count(At::ShowCapture);
    if let Some(spoilt) = undone(fault).await {
        return spoilt;
    }
    let answer = match authorized(&shared, &headers) {
        Err(refused) => refused,
        Ok(()) => shared.state().book.show_capture(&id),
    };
    spoilt(fault, answer).await
}

async fn certificate(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let fault = shared.count(At::Certificate);
    if let Some(spoilt) = undone(fault).await {
        return spoilt;
    }
    match Credential::of_file(&name) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Credential::Moved) => Redirect::to(&shared.cert_url(Credential::Genuine)).into_response(),
        Some(credential) => {
            let file = shared.certificates.file(credential);
            ([(header::CONTENT_TYPE, "application/x-pem-file")], file).into_response()
        }
    }
}

/// The page where a customer agrees, for a browser.
async fn page(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let token = query.get("token").cloned().unwrap_or_default();
    if !shared.state().book.ids().contains(&token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let cancel = shared.state().book.cancel_url(&token).replace('&', "&amp;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Not PayPal</title></head><body>\
         <main><h1>Not PayPal</h1><form method=\"post\" action=\"/checkoutnow?token={token}\">\
         <button id=\"pay\" type=\"submit\">Pay now</button></form><p><a id=\"cancel\" href=\"{cancel}\">Cancel</a></p>\
         </main></body></html>"
    );
    Html(html).into_response()
}

async fn agree(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let token = query.get("token").cloned().unwrap_or_default();
    if !shared.state().book.ids().contains(&token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Redirect::to(&shared.approve(&token)).into_response()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn authorized(shared: &Shared, headers: &HeaderMap) -> Result<(), Answer> {
    if text(headers, "authorization") == format!("Bearer {}", bearer(shared)) {
        Ok(())
    } else {
        Err((401, json!({ "name": "AUTHENTICATION_FAILURE", "message": "Authentication failed." })))
    }
}

/// The answer of a request that is not carried out.
async fn undone(fault: Option<Fault>) -> Option<Response> {
    match fault? {
        Fault::Status(status) => Some(answered((status, json!({ "name": "INTERNAL_SERVER_ERROR" })))),
        Fault::Silence => {
            // Whoever waits gives up sooner.
            tokio::time::sleep(BOUND).await;
            Some(StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        Fault::ReplyLost | Fault::NoticeFirst => None,
    }
}

/// The answer of a request that was carried out, as far as it gets.
async fn spoilt(fault: Option<Fault>, answer: Answer) -> Response {
    match fault {
        Some(Fault::ReplyLost) => {
            let cut: Vec<io::Result<Bytes>> =
                vec![Ok(Bytes::from_static(b"{\"id\":")), Err(io::ErrorKind::ConnectionReset.into())];
            let mut response = Response::new(Body::from_stream(stream::iter(cut)));
            *response.status_mut() = StatusCode::from_u16(answer.0).expect("a status");
            response
        }
        fault => undone(fault).await.unwrap_or_else(|| answered(answer)),
    }
}

fn answered((status, body): Answer) -> Response {
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}
