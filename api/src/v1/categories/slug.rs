//! The category that a path names.

use crate::problem::Problem;
use crate::problem::rejection;
use axum::extract::{FromRequestParts, Path};
use domain::Slug;
use domain::category::Category;
use http::request::Parts;

/// The slug in the path. What is no slug is no category: 404.
pub(in crate::v1) struct InPath(pub(super) Slug);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let slug = segment.and_then(|Path(text)| Slug::parse(&text).ok());
        slug.map(Self).ok_or_else(rejection::not_found::<Category>)
    }
}
