//! Faults as RFC 9457 `application/problem+json`.
//!
//! A handler returns a [`Problem`]. It becomes a whole answer at the edge (`http::edge`), where the request's id is
//! known. Which code and status a domain's refusal has is said in [`rejection`] and nowhere else.

mod code;
mod fault;
pub mod rejection;
mod unavailable;
mod value;

pub use code::Code;
pub(crate) use fault::MAX_FAULTS;
pub use fault::{Fault, Faults, Place};
pub use unavailable::within;
pub use value::ValueError;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// The media type of a problem.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request is not answered with what it asked for. Boxed, so that a `Result` of it stays small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem; `detail` says what is wrong with this request, and what to do.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut headers = Vec::new();
        if let Some(seconds) = code.retry_after_s() {
            headers.push((header::RETRY_AFTER, seconds.into()));
        }
        let (detail, errors, members) = (detail.into(), Vec::new(), Vec::new());
        Self(Box::new(Parts { code, detail, errors, members, headers }))
    }

    /// A fault of this program. What it was is in the log, not in the answer.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "This is a fault of the server. Its log names this request by its Request-Id.")
    }

    /// A problem that is made of single faults. Where they are too many for one answer, it says how many it leaves out.
    pub fn of_faults(code: Code, faults: Faults) -> Self {
        let (kept, omitted) = faults.into_parts();
        let mut problem = if omitted == 0 {
            Self::new(code, "Each fault is named under errors.")
        } else {
            let detail =
                format!("The first {} faults are named under errors, {omitted} more are left out.", kept.len());
            Self::new(code, detail).with("errors_omitted", omitted)
        };
        problem.0.errors = kept;
        problem
    }

    /// With one single fault.
    #[must_use]
    pub fn error(mut self, place: Place, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.errors.push(Fault { place, code, detail: detail.into() });
        self
    }

    /// With a member of its own.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.push((name, value.into()));
        self
    }

    /// With a header. It replaces one of the same name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.retain(|(existing, _)| *existing != name);
        self.0.headers.push((name, value));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Its single faults.
    pub fn faults(&self) -> &[Fault] {
        &self.0.errors
    }

    /// Its body, in the answer to the request of that id.
    pub(crate) fn document(&self, request_id: &str) -> String {
        serde_json::to_string(&Document { problem: &self.0, request_id }).unwrap_or_default()
    }

    /// The whole answer.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let mut response = Response::new(Body::from(self.document(request_id)));
        *response.status_mut() = self.0.code.status();
        response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

/// An unfinished answer: the edge replaces it by [`Problem::render`]'s.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.code.status();
        response.extensions_mut().insert(self);
        response
    }
}

struct Document<'a> {
    problem: &'a Parts,
    request_id: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parts { code, detail, errors, members, headers: _ } = self.problem;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &code.type_uri())?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status().as_u16())?;
        map.serialize_entry("detail", detail)?;
        map.serialize_entry("code", code.as_str())?;
        map.serialize_entry("request_id", self.request_id)?;
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        if !errors.is_empty() {
            map.serialize_entry("errors", errors)?;
        }
        map.end()
    }
}
