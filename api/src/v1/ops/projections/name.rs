//! The projection that a path names.

use super::refusal;
use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

/// The name in the path. Whether there is such a projection is told by whoever looks for it.
pub(in crate::v1) struct InPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let plain = |text: &String| text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        segment.map(|Path(text)| text).filter(plain).map(Self).ok_or_else(refusal::not_found)
    }
}
