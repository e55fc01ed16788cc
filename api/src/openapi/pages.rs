//! The document over HTTP, and the pages that show it: Swagger UI at `/docs` to try it out, Redoc at `/redoc` to read.

use super::files;
use crate::http::{Produces, Routes, coding};
use crate::problem::Problem;
use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Its pictures are in its styles, and it sets single styles of elements that it makes; all by its own script and
/// sheet.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                              connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// Redoc brings one sheet of styles within its script, which is put into the page empty and then filled: the two are
/// allowed by what is in them. All others it makes by the script's own means, which need no leave. It searches in a
/// worker that it makes of a part of its script. The picture of its maker, which it looks for elsewhere, is not loaded.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; \
                            style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
                            'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; img-src 'self' data:; \
                            connect-src 'self'; worker-src blob:; form-action 'none'; base-uri 'none'; \
                            frame-ancestors 'none'";

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
    let mut response = if coding::names(&headers, etag) {
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

/// The page of a viewer: its files by the names that they are embedded under.
#[derive(Template)]
#[template(path = "docs_viewer.html")]
struct Viewer {
    /// What it is for.
    title: &'static str,
    style: Option<&'static str>,
    viewer: &'static str,
    start: &'static str,
}

impl Viewer {
    fn file(&self, name: &str) -> String {
        files::url(name)
    }
}

async fn swagger() -> Result<Response, Problem> {
    let (style, viewer, start) = (Some("swagger-ui.css"), "swagger-ui.js", "start-swagger.js");
    shown(&Viewer { title: "try the API", style, viewer, start }, SWAGGER_POLICY)
}

async fn redoc() -> Result<Response, Problem> {
    let (viewer, start) = ("redoc.js", "start-redoc.js");
    shown(&Viewer { title: "read the API", style: None, viewer, start }, REDOC_POLICY)
}

/// The guide is a chapter of the document, which Redoc shows.
async fn guide() -> Redirect {
    Redirect::to("/redoc#tag/guide")
}

fn shown(page: &Viewer, policy: &'static str) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page can't be made");
        Problem::internal()
    })?;
    let mut response = Html(html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // It names the files of this version of the program.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
