//! The files of the pages that show the document, embedded in the program. The viewers are kept compressed alone: there
//! is no browser that does not take gzip, and it halves and halves again what they add to the program.

use crate::problem::{Code, Problem};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Hexadecimal digits of a file's hash in its name.
const HASH_DIGITS: usize = 16;
/// What never changes under its name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One of them.
pub(super) struct File {
    name: &'static str,
    media_type: &'static str,
    compressed: bool,
    bytes: &'static [u8],
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! vendored {
    ($name:literal, $media_type:expr) => {
        File {
            name: $name,
            media_type: $media_type,
            compressed: true,
            bytes: include_bytes!(concat!("../../static/vendor/", $name, ".gz")),
        }
    };
}

macro_rules! ours {
    ($name:literal, $media_type:expr, $file:literal) => {
        File { name: $name, media_type: $media_type, compressed: false, bytes: include_bytes!($file) }
    };
}

static FILES: [File; 7] = [
    vendored!("swagger-ui.js", SCRIPT),
    vendored!("swagger-ui.css", STYLE),
    vendored!("redoc.js", SCRIPT),
    ours!("start-swagger.js", SCRIPT, "viewers/swagger.js"),
    ours!("start-redoc.js", SCRIPT, "viewers/redoc.js"),
    ours!("page.css", STYLE, "viewers/page.css"),
    ours!("icon.svg", "image/svg+xml", "../../static/icon.svg"),
];

/// Each with the name that it is served under, which says what is in it.
static SERVED: LazyLock<Vec<(String, &File)>> =
    LazyLock::new(|| FILES.iter().map(|file| (file.served_name(), file)).collect());

/// Where a file is to be had. Empty for one that is not there, which a test of the pages finds.
pub(super) fn url(name: &str) -> String {
    let found = SERVED.iter().find(|(_, file)| file.name == name);
    found.map(|(served, _)| format!("/docs/files/{served}")).unwrap_or_default()
}

/// `GET /docs/files/{name}`
pub(super) async fn handle(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (_, file) = SERVED
        .iter()
        .find(|(served, _)| *served == name)
        .ok_or_else(|| Problem::new(Code::NotFound, "No file has this name."))?;
    if file.compressed && refuses_gzip(&headers) {
        return Err(Problem::new(Code::NotAcceptable, "This file is to be had compressed by gzip alone."));
    }
    let mut response = ([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response();
    let mut set = |name: HeaderName, value| response.headers_mut().insert(name, value);
    set(header::CACHE_CONTROL, FOR_EVER);
    if file.compressed {
        set(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

impl File {
    fn served_name(&self) -> String {
        let digest: String = Sha256::digest(self.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = self.name.rsplit_once('.').unwrap_or((self.name, ""));
        format!("{stem}-{}.{extension}", &digest[..HASH_DIGITS])
    }
}

/// Whether a client says which codings it takes, and gzip is none of them. One that says nothing takes any (RFC 9110,
/// section 12.5.3).
fn refuses_gzip(headers: &HeaderMap) -> bool {
    let mut lists = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
    let says_nothing = lists.peek().is_none();
    let takes = |item: &str| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        matches!(coding.trim(), "gzip" | "*") && !is_refused
    };
    !says_nothing && !lists.any(|list| list.to_str().is_ok_and(|list| list.split(',').any(takes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_goes_to_whoever_takes_it() {
        let refuses = |accepted: Option<&'static str>| {
            let header = accepted.map(|list| (header::ACCEPT_ENCODING, HeaderValue::from_static(list)));
            refuses_gzip(&header.into_iter().collect())
        };
        for accepted in [None, Some("gzip, deflate"), Some("br;q=1, gzip;q=0.5"), Some("*")] {
            assert!(!refuses(accepted), "{accepted:?}");
        }
        for accepted in [Some("br"), Some("identity"), Some("gzip;q=0"), Some("")] {
            assert!(refuses(accepted), "{accepted:?}");
        }
    }

    #[test]
    fn a_name_says_what_is_in_the_file() {
        assert!(url("swagger-ui.js").starts_with("/docs/files/swagger-ui-") && url("swagger-ui.js").ends_with(".js"));
        assert_eq!(url("none.js"), "");
    }
}
