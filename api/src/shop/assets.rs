//! The static files of the pages, embedded in the program. `build.rs` gave each a name that says what is in it, so that
//! browsers keep it for ever, and its compressed forms.

use super::Fault;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What never changes under its name: kept for a year, which is as long as caches do, without asking again.
pub(super) const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A static file.
pub(super) struct Asset {
    name: &'static str,
    /// Its name with a part that says what is in it.
    served: &'static str,
    etag: &'static str,
    media_type: &'static str,
    identity: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// Where a static file is to be had. Empty for one that is not there, which a test of the pages finds.
pub(super) fn url(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    found.map(|asset| format!("/static/{}", asset.served)).unwrap_or_default()
}

/// `GET /static/{name}`
pub(super) async fn handle(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let asset = ASSETS.iter().find(|asset| asset.served == name).ok_or(Fault::NotFound)?;
    Ok(asset.answer(&headers))
}

impl Asset {
    fn answer(&self, request: &HeaderMap) -> Response {
        let (coding, bytes) = self.form(request);
        let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
        let mut set = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
        set(header::CACHE_CONTROL, FOR_EVER);
        set(header::ETAG, HeaderValue::from_static(self.etag));
        set(header::VARY, HeaderValue::from_static("accept-encoding"));
        if has_already(request, self.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            return response;
        }
        set(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Some(coding) = coding {
            set(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }

    fn form(&self, request: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
        if accepts_coding(request, "br") {
            (Some("br"), self.brotli)
        } else if accepts_coding(request, "gzip") {
            (Some("gzip"), self.gzip)
        } else {
            (None, self.identity)
        }
    }
}

/// Whether `Accept-Encoding` names this coding (RFC 9110, section 12.5.3).
fn accepts_coding(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32)));
        named && !refused
    })
}

/// Whether `If-None-Match` names this tag (RFC 9110, section 13.1.2); weak tags count.
pub(crate) fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_smallest_form_that_is_accepted_is_sent() {
        let style = ASSETS.iter().find(|asset| asset.name == "shop.css").unwrap();
        let coding = |accepted| style.form(&headers(header::ACCEPT_ENCODING, accepted)).0;
        assert_eq!(coding("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(coding("gzip;q=0.5, br;q=0"), Some("gzip"));
        assert_eq!((coding("identity"), coding("brotli")), (None, None));
        assert!(style.brotli.len() < style.gzip.len() && style.gzip.len() < style.identity.len());
    }

    #[test]
    fn a_name_says_what_is_in_the_file() {
        let style = url("shop.css");
        assert!(style.starts_with("/static/shop-") && style.ends_with(".css"), "{style}");
        assert_eq!(url("none.css"), "");
    }

    #[test]
    fn what_is_there_already_is_not_sent_again() {
        let style = ASSETS.iter().find(|asset| asset.name == "shop.css").unwrap();
        assert_eq!(style.answer(&headers(header::IF_NONE_MATCH, "*")).status(), StatusCode::NOT_MODIFIED);
        assert!(has_already(&headers(header::IF_NONE_MATCH, "\"a\", W/\"b\""), "\"b\""));
        assert!(!has_already(&headers(header::IF_NONE_MATCH, "\"a\""), "\"b\""));
        assert_eq!(style.answer(&HeaderMap::new()).headers()[header::CACHE_CONTROL], FOR_EVER);
    }
}
