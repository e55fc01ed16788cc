//! What a page of ours sent, and nothing else did.

use super::cookie;
use crate::app::App;
use crate::shop::{Fault, Posted, origin};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use std::ops::Deref;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A form of ours, made for this session: where it came from and its token have been looked at. Whose session that is,
/// is told by [`StaffVisit`](super::StaffVisit).
pub(crate) struct StaffForm(pub(crate) Posted);

impl FromRequest<Arc<App>> for StaffForm {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let headers = request.headers().clone();
        let posted = Posted::from_request(request, app).await?;
        check_csrf(app, &headers, posted.get("csrf"))?;
        Ok(Self(posted))
    }
}

impl Deref for StaffForm {
    type Target = Posted;

    fn deref(&self) -> &Posted {
        &self.0
    }
}

/// Refuses a form that no page of ours made for this session.
pub(crate) fn check_csrf(app: &App, headers: &HeaderMap, sent: Option<&str>) -> Result<(), Fault> {
    let expected = cookie::secret(app, headers).as_ref().map(cookie::token).ok_or(Fault::Forbidden)?;
    let is_ours = expected.as_bytes().ct_eq(sent.unwrap_or_default().as_bytes());
    if bool::from(is_ours) { Ok(()) } else { Err(Fault::Forbidden) }
}

/// Refuses what another site made the browser send.
pub(crate) fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), Fault> {
    origin::check(headers, &app.frame)
}
