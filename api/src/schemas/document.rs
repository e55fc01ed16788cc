//! One document, and how it is served.

use super::{INDEX, documents};
use crate::http::coding;
use crate::problem::{Code, Problem};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A document changes with the program alone; a few minutes after an update nobody has the one before.
const KEPT_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON document.
#[derive(Debug)]
pub struct Document {
    /// Where it is served; below `docs/api`, where it is kept.
    pub path: String,
    /// Its text.
    pub text: Bytes,
    etag: String,
}

impl Document {
    pub(super) fn new(path: String, content: &Value) -> Self {
        // Indented as people read it; ends with a line feed, as files do.
        let text = format!("{content:#}\n");
        let etag = Sha256::digest(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { path, text: Bytes::from(text), etag: format!("\"{etag}\"") }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let has_already = coding::names(request, &self.etag);
        let mut response = Response::new(if has_already { Body::empty() } else { Body::from(self.text.clone()) });
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, KEPT_FOR);
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        if has_already {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        response
    }
}

/// The document of the request's path.
pub(super) async fn handle(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    answer(uri.path(), &headers)
}

/// The index, under the shorter paths that somebody may type.
pub(super) async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    answer(INDEX, &headers)
}

fn answer(path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let found = documents().iter().find(|document| document.path == path);
    let document = found.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("There is no such document; {INDEX} names those that there are."))
    })?;
    Ok(document.answer(headers))
}
