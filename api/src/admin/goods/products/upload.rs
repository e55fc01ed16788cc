//! A form with a file, as browsers send it (RFC 7578).

use crate::admin::{check_csrf, check_origin};
use crate::app::App;
use crate::http::body::{self, Accepts, Bounds};
use crate::pictures;
use crate::shop::Fault;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures::stream;
use http::header;
use multer::Multipart;
use std::convert::Infallible;
use std::sync::Arc;

/// What stands around the file.
const OTHER_BYTES: usize = 64 << 10;
/// The most parts that are read; ours has four.
const MAX_PARTS: usize = 20;

/// A form of ours that holds one file, made for this session.
pub(super) struct Upload {
    /// The version that was shown.
    pub(super) version: Option<String>,
    /// What is to be done.
    pub(super) act: Option<String>,
    /// The bytes of the file; empty where none was chosen.
    pub(super) file: Bytes,
}

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let (head, body) = request.into_parts();
        check_origin(app, &head.headers)?;
        let bounds = Bounds { max_bytes: pictures::BODY.max_bytes + OTHER_BYTES, ..pictures::BODY };
        let bytes = body::receive_within(&head, body, Accepts::FORM_WITH_FILE, bounds).await?;
        let media_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = multer::parse_boundary(media_type.unwrap_or_default()).map_err(|_| Fault::Invalid)?;
        let parts = Parts::read(bytes, boundary).await.ok_or(Fault::Invalid)?;
        check_csrf(app, &head.headers, parts.text("csrf").as_deref())?;
        Ok(Self { version: parts.text("version"), act: parts.text("act"), file: parts.bytes("picture") })
    }
}

/// The parts by their names. What a browser calls the file, and takes it for, is left where it is.
struct Parts(Vec<(String, Bytes)>);

impl Parts {
    async fn read(bytes: Bytes, boundary: String) -> Option<Self> {
        // It was received whole already, within bounds.
        let mut multipart = Multipart::new(stream::iter([Ok::<_, Infallible>(bytes)]), boundary);
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.ok()? {
            let name = field.name().unwrap_or_default().to_owned();
            parts.push((name, field.bytes().await.ok()?));
            if parts.len() > MAX_PARTS {
                return None;
            }
        }
        Some(Self(parts))
    }

    fn bytes(&self, name: &str) -> Bytes {
        self.0.iter().find(|(part, _)| part == name).map(|(_, bytes)| bytes.clone()).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.bytes(name).to_vec()).ok().filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: &str) -> Option<Parts> {
        Parts::read(Bytes::from(body.replace('\n', "\r\n")), "B".to_owned()).await
    }

    #[tokio::test]
    async fn parts_are_known_by_their_names() {
        let body = "--B\nContent-Disposition: form-data; name=\"csrf\"\n\ntoken\n\
                    --B\nContent-Disposition: form-data; name=\"picture\"; filename=\"../../a.php\"\n\
                    Content-Type: text/html\n\n\u{89}PNG\n--B--\n";
        let parts = read(body).await.unwrap();
        assert_eq!((parts.text("csrf").as_deref(), parts.text("version")), (Some("token"), None));
        assert_eq!(parts.bytes("picture"), "\u{89}PNG".as_bytes());
    }

    #[tokio::test]
    async fn what_is_cut_off_or_endless_is_no_form() {
        let part = "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n";
        assert!(read(part).await.is_none());
        assert!(read("").await.is_none_or(|parts| parts.0.is_empty()));
        assert!(read(&format!("{}--B--\n", part.repeat(MAX_PARTS))).await.is_some());
        assert!(read(&format!("{}--B--\n", part.repeat(MAX_PARTS + 1))).await.is_none());
    }
}
