//! What a request is known by, in its answer, in the log's lines and in the metadata of its events.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::convert::Infallible;
use uuid::Uuid;

/// On every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// What some clients and proxies send instead.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id taken over from a client.
const MAX_CHARS: usize = 128;

/// A request's id: the client's, if it sent one that is fit for a log's line, or a UUIDv7.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(REQUEST_ID).or_else(|| headers.get(X_REQUEST_ID));
        Self(sent.filter(|value| is_sane(value.as_bytes())).cloned().unwrap_or_else(fresh))
    }

    #[cfg(test)]
    pub(crate) fn of_text(text: &str) -> Self {
        Self(HeaderValue::from_str(text).unwrap_or_else(|_| fresh()))
    }

    /// As a header's value.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As a UUID, if it is one: a client may send what names a person.
    pub fn uuid(&self) -> Option<Uuid> {
        self.as_str().parse().ok()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

fn is_sane(id: &[u8]) -> bool {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=MAX_CHARS).contains(&id.len()) && id.iter().all(sane)
}

fn fresh() -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer);
    // Hexadecimal digits and hyphens are fit for a header.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// The edge gave every request its id before any handler runs.
impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sane_id_is_taken_over_and_any_other_replaced() {
        assert_eq!(of("request-id", "abc-123"), "abc-123");
        assert_eq!(of("x-request-id", "01J.9:x/y"), "01J.9:x/y");
        for insane in ["", "a b", "\"quoted\"", "<script>", &"x".repeat(129)] {
            let id = of("request-id", insane);
            assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{insane:?} became {id}");
        }
    }
}
