//! The document over HTTP, and the pages that show it: Swagger UI at `/docs` to try it out, Redoc at `/redoc` to read.

use super::files;
use crate::http::{Produces, Routes};
use crate::problem::Problem;
use crate::shop::has_already;
use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Its pictures are in its styles, and it sets single styles of elements that it makes; all by its own script and sheet.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                              connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// What of Redoc's policy stands before and behind the nonce. It makes its styles by its script, and searches in a worker
/// that it makes of a part of its script.
const REDOC_POLICY: [&str; 2] = [
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-",
    "'; img-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
];
/// Bytes of a nonce: 128 random bits, as the policy's standard asks for.
const NONCE_BYTES: usize = 16;

/// Adds the paths.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .route("/openapi.json", Produces::Json, get(served))
        .route("/docs", Produces::Html, get(swagger))
        .route("/docs/guide", Produces::Html, get(guide))
        .route("/docs/files/{name}", Produces::Html, get(files::handle))
        .route("/redoc", Produces::Html, get(redoc))
}

/// The document as it is served and committed, with its entity tag.
static SERVED: LazyLock<(Bytes, String)> = LazyLock::new(|| {
    let text = super::text();
    let digest: String = Sha256::digest(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (Bytes::from(text), format!("\"{digest}\""))
});

async fn served(headers: HeaderMap) -> Response {
    let (text, etag) = &*SERVED;
    let mut response = if has_already(&headers, etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
    };
    let mut set = |name, value: HeaderValue| response.headers_mut().insert(name, value);
    // It is another with the next version of the program.
    set(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        set(header::ETAG, etag);
    }
    response
}

#[derive(Template)]
#[template(path = "docs_swagger.html")]
struct Swagger {
    icon: String,
    page_style: String,
    style: String,
    viewer: String,
    start: String,
}

async fn swagger() -> Result<Response, Problem> {
    let page = Swagger {
        icon: files::url("icon.svg"),
        page_style: files::url("page.css"),
        style: files::url("swagger-ui.css"),
        viewer: files::url("swagger-ui.js"),
        start: files::url("start-swagger.js"),
    };
    shown(&page, HeaderValue::from_static(SWAGGER_POLICY))
}

#[derive(Template)]
#[template(path = "docs_redoc.html")]
struct Redoc {
    icon: String,
    page_style: String,
    viewer: String,
    start: String,
    nonce: String,
}

async fn redoc() -> Result<Response, Problem> {
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; NONCE_BYTES]>());
    let policy = HeaderValue::try_from(REDOC_POLICY.join(nonce.as_str())).map_err(|_| Problem::internal())?;
    let page = Redoc {
        icon: files::url("icon.svg"),
        page_style: files::url("page.css"),
        viewer: files::url("redoc.js"),
        start: files::url("start-redoc.js"),
        nonce,
    };
    shown(&page, policy)
}

/// The guide is a chapter of the document, which Redoc shows.
async fn guide() -> Redirect {
    Redirect::to("/redoc#tag/guide")
}

fn shown(page: &impl Template, policy: HeaderValue) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page can't be made");
        Problem::internal()
    })?;
    let mut response = Html(html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    // Each answer of Redoc's has a nonce of its own.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
