//! `/admin/newsletters/{id}/preview/{lang}/`: the mail as mail programs show it, which is no page of ours.

use super::{Visit, known};
use crate::app::App;
use crate::shop::{Fault, html_page};
use axum::extract::{Path, State};
use axum::response::Response;
use consumers::language::Lang;
use consumers::newsletter_mail;
use http::{HeaderValue, header};
use std::sync::Arc;

/// Its own styles, which mails have within, and nothing else: no script, no other file, and an origin of its own.
const CONFINED: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    _visit: Visit,
    Path((id, lang)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let (_, snapshot) = known(&app, &id).await?;
    let lang = Lang::of_tag(&lang).ok_or(Fault::NotFound)?;
    let content = snapshot.state.content().ok_or(Fault::NotFound)?;
    let mail = newsletter_mail::preview(content, lang, &app.frame.settings().name).map_err(|error| {
        tracing::error!(%error, "a mail can't be written");
        Fault::Internal
    })?;
    let mut response = html_page(mail.html);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONFINED);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}
