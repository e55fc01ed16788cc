//! Pictures of products: files in the folder `media` of the data directory, named for what is in them.
//!
//! Whatever a file holds, it is shown as a picture or not at all: the media type comes from a list of ours, browsers
//! may not guess another, and a drawing that is opened by itself runs nothing.

use super::Fault;
use super::assets::FOR_EVER;
use crate::app::App;
use crate::http::coding;
use crate::pictures::Size;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::product::PictureName;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::io::{self, ErrorKind};
use std::path::Path as FilePath;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// The largest picture that is shown. One is held in memory while it is sent.
const MAX_BYTES: u64 = 8 << 20;

/// Within a drawing: its own styles, no script, no other file; and an origin of its own, not the shop's.
const CONFINED: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// Where a picture is to be had, in the size that a page shows it in.
pub(crate) fn url(picture: &str, size: Size) -> String {
    format!("/media/{}", size.of(picture))
}

/// `GET /media/{picture}`
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let name = PictureName::parse(&name).map_err(|_| Fault::NotFound)?;
    let media_type = media_type(name.as_str()).ok_or(Fault::NotFound)?;
    let directory = app.frame.settings().media.as_deref().ok_or(Fault::NotFound)?;
    let bytes = match read(&directory.join(name.as_str())).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Fault::NotFound),
        Err(error) => {
            tracing::error!(%error, picture = name.as_str(), "a picture can't be read");
            return Err(Fault::Internal);
        }
    };
    Ok(answer(&name, media_type, bytes, &headers))
}

/// A name stands for the same picture for ever, so the name is the tag.
fn answer(name: &PictureName, media_type: &'static str, bytes: Vec<u8>, request: &HeaderMap) -> Response {
    let etag = format!("\"{name}\"");
    let known = coding::names(request, &etag);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(bytes) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(header::CONTENT_SECURITY_POLICY, CONFINED);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    if !known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

/// The pictures that browsers show, by their extensions.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "avif" => Some("image/avif"),
        "gif" => Some("image/gif"),
        _ => None,
    }
}

/// The file's bytes; `None` where there is no such file, or none that is shown.
async fn read(path: &FilePath) -> io::Result<Option<Vec<u8>>> {
    let file = match tokio::fs::File::open(path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Ok(None);
    }
    // It may grow while it is read.
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_shown() {
        assert_eq!(media_type("a.svg"), Some("image/svg+xml"));
        for other in ["a.html", "a.svg.js", "svg", "a.pdf", "a.xml"] {
            assert_eq!(media_type(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn what_is_no_file_or_too_large_is_not_read() {
        let top = tempfile::tempdir().unwrap();
        assert_eq!(read(&top.path().join("none.png")).await.unwrap(), None);
        assert_eq!(read(top.path()).await.unwrap(), None);
        let file = top.path().join("small.png");
        std::fs::write(&file, b"png").unwrap();
        assert_eq!(read(&file).await.unwrap(), Some(b"png".to_vec()));
        std::fs::File::create(&file).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(read(&file).await.is_err());
    }
}
