//! Request bodies: received within bounds, and read into the domain's types with all their faults at once.

mod fields;
mod json;
mod pointer;
mod schema;
mod shapes;

pub use fields::{Fields, Patch};
pub use json::Json;
pub use schema::{Shaped, of as schema_of};

use super::Place;
use crate::problem::{Code, Faults, Problem};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::poll;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Frame;
use pointer::Path;
use std::task::Poll;
use std::time::Duration;

/// The most bytes of a body.
pub const MAX_BYTES: usize = 1 << 20;
/// The most bytes that are read of a body which is too large, and thrown away. A client whose connection ends while it
/// is sending often sees an error of its own, and not the answer that says why.
const DISCARD_AT_MOST: usize = 16 << 20;
/// How long a body may take to arrive, from when its headers have.
const RECEIVE_AT_MOST: Duration = Duration::from_secs(10);

/// How much a body may be, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most bytes. Beyond half of what all bodies may take together nothing would ever be let in.
    pub max_bytes: usize,
    /// How long it may take to arrive, from when its headers have.
    pub receive_at_most: Duration,
}

impl Bounds {
    /// Of all that people and programs write.
    pub const TEXT: Self = Self { max_bytes: MAX_BYTES, receive_at_most: RECEIVE_AT_MOST };
}

/// The media types that a request's body may have.
#[derive(Debug, Clone, Copy)]
pub struct Accepts(&'static [&'static str]);

impl Accepts {
    /// `application/json`.
    pub const JSON: Self = Self(&["application/json"]);
    /// What a page's form is sent as.
    pub const FORM: Self = Self(&["application/x-www-form-urlencoded"]);
    /// What a page's form is sent as when it holds a file.
    pub const FORM_WITH_FILE: Self = Self(&["multipart/form-data"]);
    /// A picture. What it is is told by its bytes, so one that is sent as bytes will do.
    pub const PICTURE: Self = Self(&["image/png", "image/jpeg", "image/webp", "application/octet-stream"]);
    /// A merge patch (RFC 7396), also when it is sent as plain JSON.
    pub const MERGE_PATCH: Self = Self(&["application/merge-patch+json", "application/json"]);

    /// Their names, the first choice first.
    pub fn media_types(self) -> &'static [&'static str] {
        self.0
    }

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
pub async fn receive(head: &Parts, body: Body, accepts: Accepts) -> Result<Bytes, Problem> {
    receive_within(head, body, accepts, Bounds::TEXT).await
}

/// The same within bounds of its own.
pub async fn receive_within(head: &Parts, body: Body, accepts: Accepts, bounds: Bounds) -> Result<Bytes, Problem> {
    accepts.check(&head.headers)?;
    receive_any(head, body, bounds).await
}

/// Receives a body that may say nothing: none at all, or `{}`.
pub async fn receive_nothing(head: &Parts, body: Body) -> Result<Bytes, Problem> {
    let bytes = receive_any(head, body, Bounds::TEXT).await?;
    if !bytes.is_empty() {
        Accepts::JSON.check(&head.headers)?;
        read(&bytes, |_| Some(()))?;
    }
    Ok(bytes)
}

/// Receives a body of any media type, and none too.
pub async fn receive_raw(head: &Parts, body: Body) -> Result<Bytes, Problem> {
    receive_any(head, body, Bounds::TEXT).await
}

async fn receive_any(head: &Parts, body: Body, bounds: Bounds) -> Result<Bytes, Problem> {
    let announced = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // A client that asks before it sends is told at once; so is one that would send a great deal.
    let asks = head.headers.contains_key(header::EXPECT);
    let most = if asks { bounds.max_bytes } else { DISCARD_AT_MOST };
    if announced.is_some_and(|bytes: u64| bytes > most as u64) {
        return Err(too_large(bounds));
    }
    // None for what no edge let in: then nothing is shared out.
    let place = head.extensions.get::<Place>();
    let received = tokio::time::timeout(bounds.receive_at_most, collect(body, place, bounds)).await;
    let bytes = received.unwrap_or_else(|_| Err(too_slow(bounds)))?;
    place.map_or(Ok(()), Place::resume)?;
    Ok(bytes)
}

/// The rest of the body would be taken for the next request, so the connection ends.
fn too_slow(bounds: Bounds) -> Problem {
    Problem::new(Code::RequestTimeout, format!("A body must arrive within {:?}.", bounds.receive_at_most))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// Receives a body to its end. While the client is waited for, the request's place is another's.
async fn collect(mut body: Body, place: Option<&Place>, bounds: Bounds) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = next_frame(&mut body, place).await {
        let frame = frame.map_err(|_| Problem::new(Code::IncompleteBody, "The connection ended within the body."))?;
        let Ok(data) = frame.into_data() else { continue };
        place.map_or(Ok(()), |place| place.hold(data.len()))?;
        if first.is_empty() {
            // Most bodies come in one piece, and need not be copied.
            first = data;
        } else {
            all.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&data);
        }
        if all.as_ref().map_or(first.len(), BytesMut::len) > bounds.max_bytes {
            drop((first, all));
            if let Some(place) = place {
                place.let_go();
            }
            discard(&mut body, place, bounds).await;
            return Err(too_large(bounds));
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

/// Reads on to the end of a body that is too large, as far as that is worth it.
async fn discard(body: &mut Body, place: Option<&Place>, bounds: Bounds) {
    let mut discarded = bounds.max_bytes;
    while discarded < DISCARD_AT_MOST {
        let Some(Ok(frame)) = next_frame(body, place).await else { return };
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
}

async fn next_frame(body: &mut Body, place: Option<&Place>) -> Option<Result<Frame<Bytes>, axum::Error>> {
    let mut frame = body.frame();
    if let Poll::Ready(frame) = poll!(&mut frame) {
        return frame;
    }
    if let Some(place) = place {
        place.pause();
    }
    frame.await
}

fn too_large(bounds: Bounds) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A body has at most {} bytes.", bounds.max_bytes))
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
