//! The issue that a path names.

use crate::problem::Problem;
use crate::problem::rejection;
use axum::extract::{FromRequestParts, Path};
use domain::ids::IssueId;
use domain::newsletter::Newsletter;
use http::request::Parts;

/// The id in the path. What is no id is no issue: 404.
pub(in crate::v1) struct InPath(pub(super) IssueId);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = segment.and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(rejection::not_found::<Newsletter>)
    }
}
