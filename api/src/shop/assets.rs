//! The static files of the pages, embedded in the program. `build.rs` gave each a name that says what is in it, so that
//! browsers keep it for ever, and its compressed forms.

use super::Fault;
use crate::http::coding::{self, Coding};
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
pub(crate) fn url(name: &str) -> String {
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
        let etag = HeaderValue::from_static(self.etag);
        let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
        let mut set = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
        set(header::CACHE_CONTROL, FOR_EVER);
        set(header::VARY, HeaderValue::from_static("accept-encoding"));
        if coding::names(request, self.etag) {
            set(header::ETAG, etag);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            return response;
        }
        set(header::ETAG, coding.map_or(etag.clone(), |coding| coding.tag(&etag)));
        set(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Some(coding) = coding {
            set(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        response
    }

    fn form(&self, request: &HeaderMap) -> (Option<Coding>, &'static [u8]) {
        let coding = Coding::accepted(request);
        let bytes = match coding {
            Some(Coding::Brotli) => self.brotli,
            Some(Coding::Gzip) => self.gzip,
            None => self.identity,
        };
        (coding, bytes)
    }
}

/// The files as they are served, each with its compressed forms, for another server to serve them.
pub(crate) fn files() -> impl Iterator<Item = (String, &'static [u8])> {
    ASSETS.iter().flat_map(|asset| {
        let form = |ending: &str, bytes| (format!("{}{ending}", asset.served), bytes);
        [form("", asset.identity), form(".br", asset.brotli), form(".gz", asset.gzip)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn each_form_is_sent_under_a_tag_of_its_own() {
        let style = ASSETS.iter().find(|asset| asset.name == "shop.css").unwrap();
        assert!(style.brotli.len() < style.gzip.len() && style.gzip.len() < style.identity.len());
        let tag = |accepted| style.answer(&headers(header::ACCEPT_ENCODING, accepted)).headers()["etag"].clone();
        let [brotli, gzip, plain] = ["gzip, br", "gzip", "identity"].map(tag);
        assert!(brotli != gzip && gzip != plain && plain == style.etag);
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
        assert_eq!(style.answer(&HeaderMap::new()).headers()[header::CACHE_CONTROL], FOR_EVER);
    }
}
