//! Request bodies: received within bounds, and read into the domain's types with all their faults at once.

mod fields;
mod json;
mod pointer;

pub use fields::{Fields, Patch};
pub use json::Json;

use crate::problem::{Code, Faults, Problem};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use pointer::Path;
use std::time::Duration;

/// The most bytes of a body.
pub const MAX_BYTES: usize = 1 << 20;
/// How long a body may take to arrive, from when its headers have.
const RECEIVE_AT_MOST: Duration = Duration::from_secs(10);

/// The media types that a request's body may have.
#[derive(Debug, Clone, Copy)]
pub struct Accepts(&'static [&'static str]);

impl Accepts {
    /// `application/json`.
    pub const JSON: Self = Self(&["application/json"]);
    /// A merge patch (RFC 7396), also when it is sent as plain JSON.
    pub const MERGE_PATCH: Self = Self(&["application/merge-patch+json", "application/json"]);

    fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (essence, parameters) = sent.split_once(';').unwrap_or((sent, ""));
        let known = self.0.iter().any(|accepted| accepted.eq_ignore_ascii_case(essence.trim()));
        if known && is_utf8(parameters) && !headers.contains_key(header::CONTENT_ENCODING) {
            return Ok(());
        }
        let detail = format!("Send the body as {} in UTF-8, without a content encoding.", self.0.join(" or "));
        Err(Problem::new(Code::UnsupportedMediaType, detail))
    }
}

/// JSON is UTF-8 (RFC 8259); a `charset` that says so too does no harm.
fn is_utf8(parameters: &str) -> bool {
    let mut charsets = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charsets.all(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

/// Receives a body that must be there.
pub async fn receive(headers: &HeaderMap, body: Body, accepts: Accepts) -> Result<Bytes, Problem> {
    accepts.check(headers)?;
    receive_any(headers, body).await
}

/// Receives a body that may say nothing: none at all, or `{}`.
pub async fn receive_nothing(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let bytes = receive_any(headers, body).await?;
    if !bytes.is_empty() {
        Accepts::JSON.check(headers)?;
        read(&bytes, |_| Some(()))?;
    }
    Ok(bytes)
}

async fn receive_any(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    // A client that says how much it is about to send need not send it to hear that it is too much.
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MAX_BYTES as u64) {
        return Err(too_large());
    }
    tokio::time::timeout(RECEIVE_AT_MOST, collect(body)).await.unwrap_or_else(|_| Err(too_slow()))
}

/// The rest of the body would be taken for the next request, so the connection ends.
fn too_slow() -> Problem {
    Problem::new(Code::RequestTimeout, format!("A body must arrive within {RECEIVE_AT_MOST:?}."))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}

async fn collect(mut body: Body) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::IncompleteBody, "The connection ended within the body."))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.is_empty() {
            // Most bodies come in one piece, and need not be copied.
            first = data;
        } else {
            all.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&data);
        }
        if all.as_ref().map_or(first.len(), BytesMut::len) > MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A body has at most {MAX_BYTES} bytes."))
}

/// Reads a body of one JSON object. Not JSON: 400. JSON with faults: 422, with all of them.
pub fn read<'a, T>(bytes: &'a [u8], read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>) -> Result<T, Problem> {
    let json = Json::parse(bytes).map_err(|error| not_json(&error))?;
    let mut faults = Faults::default();
    match Fields::read(Path::Root, json, &mut faults, read) {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(Problem::of_faults(Code::InvalidBody, faults)),
    }
}

/// serde_json's words name what was expected and where; they repeat nothing of the body.
fn not_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let words = error.to_string();
    let what = words.split_once(" at line ").map_or(words.as_str(), |(what, _)| what);
    Problem::new(Code::MalformedJson, format!("Line {line}, column {column}: {what}."))
        .with("line", line)
        .with("column", column)
}

#[cfg(test)]
mod tests;
