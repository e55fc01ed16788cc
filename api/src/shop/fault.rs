//! What went wrong, as a page: what happened, the request's id, and a way on.

use super::visit::{page, render, way_back};
use super::{Frame, Page, language};
use crate::http::RequestId;
use crate::problem::Problem;
use askama::Template;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use consumers::language::Lang;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use std::time::Duration;

/// Why a visitor is not shown what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is not one that our pages make.
    Invalid,
    /// It comes from another site, or is not this visitor's to make.
    Forbidden,
    /// There is no such page, or none for this visitor.
    NotFound,
    /// The page takes no such method.
    MethodNotAllowed,
    /// What was sent took too long.
    TooSlow,
    /// More was sent than any of our forms holds.
    TooLarge,
    /// Too often; how many seconds to wait.
    TooMany(u32),
    /// A fault of this program.
    Internal,
    /// The database is away, or there is too much to do; after how many seconds it may be better.
    Unavailable(u32),
}

impl Fault {
    /// Too often, for as long as this.
    pub(crate) fn too_many(wait: Duration) -> Self {
        Self::TooMany(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// HTTP's status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What its texts begin with.
    const fn name(self) -> &'static str {
        match self {
            Self::Invalid | Self::MethodNotAllowed | Self::TooSlow => "invalid",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::TooLarge => "too-large",
            Self::TooMany(_) => "too-many",
            Self::Internal => "internal",
            Self::Unavailable(_) => "unavailable",
        }
    }

    const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::TooMany(seconds) | Self::Unavailable(seconds) => Some(seconds),
            _ => None,
        }
    }
}

/// What the parts that pages and `/v1` share have to say.
impl From<&Problem> for Fault {
    fn from(problem: &Problem) -> Self {
        let seconds = problem.code().retry_after_s().unwrap_or(1);
        match problem.code().status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::TooSlow,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany(seconds),
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable(seconds),
            status if status.is_client_error() => Self::Invalid,
            _ => Self::Internal,
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::from(&problem)
    }
}

/// An unfinished answer: the edge replaces it by the page, as it knows the request's id.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What is known of a request before it is answered, for a page that says why it could not be.
#[derive(Debug, Clone)]
pub(crate) struct ErrorPage {
    lang: Lang,
    here: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Shown {
    page: Page,
    status: u16,
    title: String,
    words: String,
    request_id: String,
}

impl ErrorPage {
    /// For whoever sent this.
    pub(crate) fn of(request: &Request) -> Self {
        Self::of_parts(request.method(), request.uri(), request.headers())
    }

    fn of_parts(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        Self { lang: language::of(headers), here: way_back(method, uri) }
    }

    /// The whole answer.
    pub(crate) fn render(self, fault: Fault, frame: &Frame, id: &RequestId) -> Response {
        let framed = Page::new(frame.clone(), self.lang, self.here);
        let shown = Shown {
            status: fault.status().as_u16(),
            title: framed.t(&format!("error-{}", fault.name())),
            words: framed.t(&format!("error-{}-words", fault.name())),
            request_id: id.as_str().to_owned(),
            page: framed,
        };
        let mut response = render(&shown).map_or_else(|fault| fault.status().into_response(), page);
        *response.status_mut() = fault.status();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = fault.retry_after_s() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::super::ShopSettings;
    use super::super::texts::TEXTS;
    use super::*;
    use crate::problem::Code;
    use http_body_util::BodyExt;

    const ALL: [Fault; 9] = [
        Fault::Invalid,
        Fault::Forbidden,
        Fault::NotFound,
        Fault::MethodNotAllowed,
        Fault::TooSlow,
        Fault::TooLarge,
        Fault::TooMany(7),
        Fault::Internal,
        Fault::Unavailable(2),
    ];

    #[test]
    fn every_fault_has_words_in_every_language() {
        for (fault, lang) in ALL.iter().flat_map(|fault| Lang::ALL.map(|lang| (fault, lang))) {
            for id in [format!("error-{}", fault.name()), format!("error-{}-words", fault.name())] {
                assert!(TEXTS.has(lang, &id), "{id} in {}", lang.tag());
            }
        }
    }

    #[tokio::test]
    async fn a_fault_is_a_page_that_names_the_request() {
        let id = RequestId::of_text("r-<1>");
        let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static("ko"))]);
        let error = ErrorPage::of_parts(&Method::GET, &"/a?b=%3Cc%3E".parse().unwrap_or_default(), &headers);
        let (head, body) = error.render(Fault::TooMany(7), &Frame::new(ShopSettings::default()), &id).into_parts();
        let html = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        assert_eq!((head.status.as_u16(), head.headers[header::RETRY_AFTER].to_str().unwrap()), (429, "7"));
        assert!(
            html.contains("lang=\"ko\"") && html.contains("r-&#60;1&#62;") && html.contains("href=\"/a?b=%3Cc%3E\""),
            "{html}"
        );
    }

    #[test]
    fn what_programs_are_told_is_told_to_people() {
        let of = |code| Fault::from(&Problem::new(code, "-"));
        assert_eq!(of(Code::ProductNotFound), Fault::NotFound);
        assert_eq!(of(Code::Unavailable), Fault::Unavailable(2));
        assert_eq!((of(Code::InvalidBody), of(Code::NotStorable)), (Fault::Invalid, Fault::Internal));
    }
}
