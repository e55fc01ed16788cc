//! Who asks for a page, and how.

use super::{Fault, Page, VisitSession, language};
use crate::app::App;
use crate::http::{Source, coding, of_bytes, timing};
use askama::Template;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use commands::shop::sessions::Session;
use consumers::language::Lang;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// The longest path and query that pages lead back to.
const MAX_HERE_BYTES: usize = 2_000;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Two visitors may see different pages under the same address.
const VARY: HeaderValue = HeaderValue::from_static("accept-language, cookie");

/// A request for a page.
#[derive(Debug, Clone)]
pub struct Visit {
    /// In which language it is answered.
    pub lang: Lang,
    /// The path and query that lead back to it.
    pub here: String,
    /// What goes on over several requests.
    pub session: VisitSession,
    /// Where it comes from, for limits alone.
    pub source: Source,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let (lang, here) = (language::of(&parts.headers), way_back(&parts.method, &parts.uri));
        let session = VisitSession::of(app, &parts.method, &parts.headers);
        let source = Source::of_parts(parts, &app.settings().trusted_proxies);
        Ok(Self { lang, here, session, source, headers: parts.headers.clone() })
    }
}

impl Visit {
    /// The session; begun now if there is none, which is counted to where it comes from: each is kept for a while.
    pub async fn begin(&self, app: &App) -> Result<Session, Fault> {
        if let Some(session) = self.session.get().await? {
            return Ok(session);
        }
        app.sessions.wait_for(self.source).map_err(Fault::too_many)?;
        self.session.begin().await
    }

    /// The frame of the page that is shown.
    pub async fn page(&self, app: &App) -> Result<Page, Fault> {
        let mut page = Page::new(app.frame.clone(), self.lang, self.here.clone());
        if let Some(session) = self.session.get().await? {
            (page.cart_count, page.csrf) = (session.cart_units, self.session.csrf());
        }
        Ok(page)
    }

    /// To another page, after a form was sent: loading that again changes nothing.
    pub fn see_other(&self, location: &str) -> Result<Response, Fault> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::try_from(location).map_err(|_| Fault::Internal)?);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.session.stamp(headers);
        Ok(response)
    }

    /// Shows a page. To who has no session it is the same as to all others of the language: it has a tag, and is not
    /// sent again to who has it. `database` is what its reads took.
    pub fn show(&self, template: &impl Template, database: Duration) -> Result<Response, Fault> {
        if self.session.is_brought() {
            self.show_alone(template, database)
        } else {
            self.show_to_all(template, database)
        }
    }

    fn show_to_all(&self, template: &impl Template, database: Duration) -> Result<Response, Fault> {
        let html = render(template)?;
        let etag = of_bytes(html.as_bytes());
        let mut response = if coding::names(&self.headers, &etag) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            page(html)
        };
        let headers = response.headers_mut();
        if let Ok(etag) = HeaderValue::try_from(etag) {
            headers.insert(header::ETAG, etag);
        }
        // Kept, but asked for each time: prices change.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, VARY);
        headers.insert(timing::SERVER_TIMING, timing::of_read(database));
        self.session.stamp(headers);
        Ok(response)
    }

    /// Shows a page that is this visitor's alone.
    pub fn show_alone(&self, template: &impl Template, database: Duration) -> Result<Response, Fault> {
        let mut response = page(render(template)?);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        headers.insert(header::VARY, VARY);
        headers.insert(timing::SERVER_TIMING, timing::of_read(database));
        self.session.stamp(headers);
        Ok(response)
    }
}

/// What leads back to the page of a request: to the first page from what is no page, or is too long. Two slashes at its
/// beginning would name another host.
pub(crate) fn way_back(method: &Method, uri: &Uri) -> String {
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    let is_page = matches!(*method, Method::GET | Method::HEAD) && here.starts_with('/') && !here.starts_with("//");
    if is_page && here.len() <= MAX_HERE_BYTES { here.to_owned() } else { "/".to_owned() }
}

pub(crate) fn render(template: &impl Template) -> Result<String, Fault> {
    template.render().map_err(|error| {
        tracing::error!(%error, "a page can't be written");
        Fault::Internal
    })
}

pub(crate) fn page(html: String) -> Response {
    let mut response = Response::new(Body::from(html));
    response.headers_mut().insert(header::CONTENT_TYPE, HTML);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_page_of_the_shop() {
        let back = |method: Method, uri: &str| way_back(&method, &uri.parse().unwrap_or_default());
        assert_eq!(back(Method::GET, "/products/?q=a&after=B"), "/products/?q=a&after=B");
        assert_eq!(back(Method::POST, "/cart/add/"), "/");
        assert_eq!(back(Method::GET, "//evil.test/"), "/");
        assert_eq!(back(Method::GET, &format!("/?q={}", "x".repeat(MAX_HERE_BYTES))), "/");
    }
}
