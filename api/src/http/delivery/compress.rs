//! Compressing answers, so that no proxy has to: one that does makes their tags weak, and with those `If-Match` is
//! lost.
//!
//! What is for one visitor alone goes as it is. Such a page holds a secret (the token of its forms) beside text that
//! others choose (what is looked for, where the visitor came from), and the length of a compressed answer would tell
//! how much of the one is in the other (BREACH). So goes whatever says `private` or `no-store`, or sets a cookie. What
//! is asked for with an API key is compressed: a browser sends none along by itself, so nobody else can have such a
//! request made.

use super::coding::Coding;
use axum::body::Body;
use axum::response::Response;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::io::{self, Write};
use tokio::sync::Semaphore;

/// What is smaller is sent as it is: it fits into a packet either way.
const MIN_BYTES: u64 = 1_024;
/// What is larger is sent as it is.
const MAX_BYTES: u64 = 8 << 20;
/// What is larger is compressed where it keeps no other request waiting.
const INLINE_BYTES: usize = 16 << 10;
/// How many large answers are compressed at once; the surplus is sent as it is.
static LARGE_ONES: Semaphore = Semaphore::const_new(2);

/// Fast, and smaller than gzip all the same.
const BROTLI_EFFORT: i32 = 4;
/// A window of 256 KiB: no answer's text repeats itself from further away.
const BROTLI_WINDOW: i32 = 18;
const GZIP_EFFORT: u32 = 4;

/// Codes an answer in what its client likes best, if it is worth it. `coding` is `None` for a client that takes none.
pub(super) async fn compress(response: Response, coding: Option<Coding>) -> Response {
    if !is_compressible(&response) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // Caches keep a form for each.
    vary_by_coding(&mut head.headers);
    let Some(coding) = coding else { return Response::from_parts(head, body) };
    // All of it is there: its size is known.
    let Ok(whole) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Response::from_parts(head, Body::empty());
    };
    let Some(coded) = coded(coding, whole.clone()).await else { return Response::from_parts(head, Body::from(whole)) };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    // A refusal's tag is not of what it says itself, but of what there is.
    let tag = head.headers.get(header::ETAG).filter(|_| head.status.is_success()).map(|tag| coding.tag(tag));
    if let Some(tag) = tag {
        head.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(head, Body::from(coded))
}

/// Says that there is a form for each coding, in one header: some caches heed only one of several.
pub(super) fn vary_by_coding(headers: &mut HeaderMap) {
    let said: Vec<&str> = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok()).collect();
    if said.iter().any(|value| value.contains("accept-encoding")) {
        return;
    }
    let all = [said, vec!["accept-encoding"]].concat().join(", ");
    if let Ok(all) = HeaderValue::try_from(all) {
        headers.insert(header::VARY, all);
    }
}

fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let size = response.body().size_hint().exact().unwrap_or_default();
    response.status() != StatusCode::PARTIAL_CONTENT
        && (MIN_BYTES..=MAX_BYTES).contains(&size)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !is_for_one_alone(headers)
        && headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_text)
}

fn is_for_one_alone(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let kept_private =
        said.any(|value| ["private", "no-store", "no-transform"].iter().any(|word| value.contains(word)));
    kept_private || headers.contains_key(header::SET_COOKIE)
}

fn is_text(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || essence == "application/json"
        || essence.ends_with("+json")
        || matches!(essence, "application/yaml" | "image/svg+xml")
}

/// `None` where there is no time for it.
async fn coded(coding: Coding, whole: Bytes) -> Option<Vec<u8>> {
    if whole.len() <= INLINE_BYTES {
        return code(coding, &whole).ok();
    }
    let _place = LARGE_ONES.try_acquire().ok()?;
    tokio::task::spawn_blocking(move || code(coding, &whole)).await.ok()?.ok()
}

fn code(coding: Coding, whole: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Brotli => {
            let parameters = BrotliEncoderParams {
                quality: BROTLI_EFFORT,
                lgwin: BROTLI_WINDOW,
                size_hint: whole.len(),
                ..BrotliEncoderParams::default()
            };
            let (mut from, mut into) = (whole, Vec::with_capacity(whole.len() / 3));
            brotli::BrotliCompress(&mut from, &mut into, &parameters)?;
            Ok(into)
        }
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::with_capacity(whole.len() / 3), Compression::new(GZIP_EFFORT));
            encoder.write_all(whole)?;
            encoder.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn text(bytes: usize) -> String {
        "Sencha, steamed and rolled. ".repeat(bytes.div_ceil(28))
    }

    fn answer(headers: &[(&'static str, &'static str)], body: Body) -> Response {
        let mut response = Response::new(body);
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        response
    }

    async fn bytes(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn each_coding_reads_back_under_a_tag_of_its_own() {
        for size in [2_000, 200_000] {
            let text = text(size);
            let json = [("content-type", "application/json"), ("etag", "\"7\""), ("content-length", "1")];
            let plain = || answer(&json, Body::from(text.clone()));
            let gzip = compress(plain(), Some(Coding::Gzip)).await;
            assert_eq!(
                (&gzip.headers()["etag"], &gzip.headers()["content-encoding"]),
                (&"\"7-gzip\"".parse().unwrap(), &"gzip".parse().unwrap())
            );
            assert!(!gzip.headers().contains_key("content-length"));
            let mut read = String::new();
            GzDecoder::new(&bytes(gzip).await[..]).read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
            let brotli = compress(plain(), Some(Coding::Brotli)).await;
            assert_eq!(brotli.headers()["etag"], "\"7-br\"");
            let (mut read, coded) = (Vec::new(), bytes(brotli).await);
            brotli::BrotliDecompress(&mut &coded[..], &mut read).unwrap();
            assert!(read == text.as_bytes() && coded.len() < text.len() / 4);
            let uncoded = compress(plain(), None).await;
            assert_eq!(
                (&uncoded.headers()["etag"], &uncoded.headers()["vary"]),
                (&"\"7\"".parse().unwrap(), &"accept-encoding".parse().unwrap())
            );
        }
    }

    #[test]
    fn all_that_an_answer_depends_on_stands_in_one_header() {
        let mut headers = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("accept-language, cookie"))]);
        for _ in 0..2 {
            vary_by_coding(&mut headers);
            assert_eq!(
                headers.get_all(header::VARY).iter().collect::<Vec<_>>(),
                ["accept-language, cookie, accept-encoding"]
            );
        }
    }

    #[tokio::test]
    async fn what_is_small_for_one_alone_a_stream_or_a_picture_goes_as_it_is() {
        let html = ("content-type", "text/html; charset=utf-8");
        let stream = Body::from_stream(futures::stream::iter([Ok::<_, io::Error>(text(9_000))]));
        for (headers, body) in [
            (vec![html], Body::from("small")),
            (vec![html, ("cache-control", "private, no-store")], Body::from(text(9_000))),
            (vec![html, ("set-cookie", "a=b")], Body::from(text(9_000))),
            (vec![html, ("content-encoding", "br")], Body::from(text(9_000))),
            (vec![("content-type", "application/x-ndjson")], stream),
            (vec![("content-type", "image/png")], Body::from(text(9_000))),
            (vec![], Body::from(text(9_000))),
        ] {
            let before = headers.contains(&("content-encoding", "br"));
            let response = compress(answer(&headers, body), Some(Coding::Brotli)).await;
            assert_eq!(response.headers().contains_key("content-encoding"), before, "{headers:?}");
            assert!(!response.headers().contains_key("vary"), "{headers:?}");
        }
    }
}
