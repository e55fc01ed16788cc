//! The headers that requests are told apart by, and the API key.
#![no_main]

use api::auth::{Scopes, Token, VerifiedKey};
use api::http::conditions::{self, IfMatch};
use api::http::{Produces, RequestId, context, idempotency};
use api::problem::Code;
use api::v1::requests::Wanted;
use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use libfuzzer_sys::fuzz_target;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use uuid::Uuid;

const NAMES: [&str; 10] = [
    "if-match",
    "if-none-match",
    "idempotency-key",
    "orders-min-position",
    "prefer",
    "accept",
    "request-id",
    "traceparent",
    "accept-language",
    "authorization",
];

fuzz_target!(|data: &[u8]| {
    let headers = fuzz::headers(data, &NAMES);
    if_match(&headers);
    idempotency_key(&headers);
    min_position(&headers);
    metadata(&headers);
    let _ = Produces::Json.check(&headers);
    if let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        // There is one spelling of each key.
        assert!(Token::parse(token).is_none_or(|parsed| parsed.to_string() == token));
    }
});

/// A list of versions reads back as it was written, and each of them is what `If-None-Match` knows too.
fn if_match(headers: &HeaderMap) {
    match IfMatch::of(headers) {
        Ok(IfMatch::Versions(versions)) if !versions.is_empty() => {
            let tags: Vec<_> = versions.iter().map(|version| format!("\"{version}\"")).collect();
            let written = HeaderValue::from_str(&tags.join(",")).expect("quotes, digits and commas");
            let again = HeaderMap::from_iter([(header::IF_MATCH, written.clone())]);
            assert_eq!(IfMatch::of(&again).expect("it is a list of tags"), IfMatch::Versions(versions.clone()));
            let known = HeaderMap::from_iter([(header::IF_NONE_MATCH, written)]);
            assert!(versions.iter().all(|version| conditions::has_already(&known, *version)));
        }
        Ok(_) => {}
        Err(problem) => assert_eq!(problem.code(), Code::InvalidHeader),
    }
    conditions::has_already(headers, 7);
}

/// In quotes or not, it is the same key.
fn idempotency_key(headers: &HeaderMap) {
    let id = Uuid::from_u128(1);
    let holder = VerifiedKey { id, actor: id.to_string(), scopes: Scopes::default() };
    let key = |headers: &HeaderMap| idempotency::key(headers, &holder, &Method::POST, "/v1/orders", b"{}");
    match key(headers) {
        Ok(Some(found)) => {
            let sent = headers["idempotency-key"].to_str().expect("it was read as text");
            if !sent.starts_with('"') {
                let quoted = format!("\"{}\"", sent.replace('\\', "\\\\").replace('"', "\\\""));
                let mut again = HeaderMap::new();
                again.insert("idempotency-key", quoted.parse().expect("visible characters"));
                assert_eq!(key(&again).expect("it is a key").map(|key| key.digest), Some(found.digest));
            }
        }
        Ok(None) => assert!(!headers.contains_key("idempotency-key")),
        Err(problem) => assert_eq!(problem.code(), Code::InvalidHeader),
    }
}

fn min_position(headers: &HeaderMap) {
    match Wanted::of(headers) {
        Ok(Wanted { position: Some(position), .. }) => {
            let mut again = HeaderMap::new();
            again.insert("orders-min-position", position.0.into());
            assert_eq!(Wanted::of(&again).expect("it is a position").position, Some(position));
        }
        Ok(_) => assert!(!headers.contains_key("orders-min-position")),
        Err(problem) => assert_eq!(problem.code(), Code::InvalidHeader),
    }
}

/// Whatever a client says of itself, what becomes metadata is short and visible.
fn metadata(headers: &HeaderMap) {
    let mut request = Request::new(());
    *request.headers_mut() = headers.clone();
    let (mut parts, ()) = request.into_parts();
    let reading = pin!(RequestId::from_request_parts(&mut parts, &()));
    let Poll::Ready(Ok(request_id)) = reading.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("an id takes no waiting");
    };
    let id = Uuid::from_u128(1);
    let holder = VerifiedKey { id, actor: id.to_string(), scopes: Scopes::default() };
    let context = context::of(&holder, &request_id, headers);
    let texts = [Some(context.correlation_id), context.traceparent, context.locale];
    for text in texts.into_iter().flatten() {
        assert!((1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    }
}
