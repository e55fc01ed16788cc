//! How a finished answer is sent: tagged by what is in it, not at all to a client that has it, and compressed.

pub(crate) mod coding;
mod compress;

use super::negotiate::Produces;
use axum::body::Body;
use axum::response::Response;
use coding::Coding;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use sha2::{Digest, Sha256};

/// How many bytes of an answer's hash are its tag.
const TAG_BYTES: usize = 16;
/// What is larger has no tag.
const MAX_TAGGED_BYTES: u64 = 8 << 20;

/// What a request says of how it is to be answered; kept while it is handled.
pub(super) struct Wanted {
    reads: bool,
    coding: Option<Coding>,
    conditions: HeaderMap,
}

impl Wanted {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let known = request.headers().get_all(header::IF_NONE_MATCH).iter();
        let conditions = known.map(|value| (header::IF_NONE_MATCH, value.clone())).collect();
        Self { reads, coding: Coding::accepted(request.headers()), conditions }
    }

    /// Makes an answer ready to be sent.
    pub(super) async fn deliver(&self, response: Response, produces: Produces) -> Response {
        let is_document = matches!(produces, Produces::Json | Produces::Table);
        let is_read = self.reads && is_document && response.status() == StatusCode::OK;
        let response = if is_read { self.tagged(response).await } else { response };
        match response.status() {
            StatusCode::NOT_MODIFIED => self.not_modified(response),
            _ => compress::compress(response, self.coding).await,
        }
    }

    /// Gives a document that has no tag the one of its bytes, and takes them away where the client has them.
    async fn tagged(&self, response: Response) -> Response {
        let size = response.body().size_hint().exact();
        if response.headers().contains_key(header::ETAG) || size.is_none_or(|size| size > MAX_TAGGED_BYTES) {
            return response;
        }
        let (mut head, body) = response.into_parts();
        let Ok(whole) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return Response::from_parts(head, Body::empty());
        };
        let etag = of_bytes(&whole);
        let known = coding::names(&self.conditions, &etag);
        if let Ok(etag) = HeaderValue::try_from(etag) {
            head.headers.insert(header::ETAG, etag);
        }
        if known {
            head.status = StatusCode::NOT_MODIFIED;
            head.headers.remove(header::CONTENT_TYPE);
            return Response::from_parts(head, Body::empty());
        }
        Response::from_parts(head, Body::from(whole))
    }

    /// A client that has a coded form is told the tag of that one: it finds what it keeps by it.
    fn not_modified(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        let Some(etag) = headers.get(header::ETAG) else { return response };
        let coded = self.coding.map(|coding| coding.tag(etag));
        let mut known = self.conditions.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known = |coded: &HeaderValue| coded.to_str().is_ok_and(|coded| known.any(|list| list.contains(coded)));
        if let Some(coded) = coded.filter(is_known) {
            headers.insert(header::ETAG, coded);
        }
        compress::vary_by_coding(headers);
        response
    }
}

/// The strong tag of these bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits = digest[..TAG_BYTES].iter().map(|byte| format!("{byte:02x}"));
    // No version is spelt with a letter in front.
    format!("\"x{}\"", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn asking(headers: &[(&'static str, &str)]) -> Wanted {
        let mut request = Request::builder().uri("/v1/orders");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Wanted::of(&request.body(()).unwrap())
    }

    async fn bytes(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    fn list() -> Response {
        let mut response = Response::new(Body::from(format!("[{}]", "\"a\",".repeat(900))));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    #[tokio::test]
    async fn a_document_is_tagged_by_what_is_in_it_in_each_coding() {
        let plain = asking(&[]).deliver(list(), Produces::Json).await;
        let coded = asking(&[("accept-encoding", "gzip")]).deliver(list(), Produces::Json).await;
        let (plain_tag, coded_tag) = (plain.headers()["etag"].clone(), coded.headers()["etag"].clone());
        assert_eq!(Coding::Gzip.tag(&plain_tag), coded_tag);
        assert!(bytes(coded).await.len() < bytes(plain).await.len());
        for (tag, coding) in [(&plain_tag, "identity"), (&coded_tag, "gzip")] {
            let asked = [("if-none-match", tag.to_str().unwrap()), ("accept-encoding", coding)];
            let known = asking(&asked).deliver(list(), Produces::Json).await;
            assert_eq!((known.status(), &known.headers()["etag"]), (StatusCode::NOT_MODIFIED, tag));
            assert_eq!(known.headers()["vary"], "accept-encoding");
            assert!(bytes(known).await.is_empty());
        }
        let other = asking(&[("if-none-match", "\"x00\"")]).deliver(list(), Produces::Json).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn the_tag_of_a_version_stays() {
        let mut order = list();
        order.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"7\""));
        let answer = asking(&[("accept-encoding", "br")]).deliver(order, Produces::Json).await;
        assert_eq!(answer.headers()["etag"], "\"7-br\"");
    }
}
