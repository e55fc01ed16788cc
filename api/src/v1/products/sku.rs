//! The product that a path names.

use crate::problem::Problem;
use crate::problem::rejection;
use axum::extract::{FromRequestParts, Path};
use domain::Sku;
use domain::product::Product;
use http::request::Parts;

/// The sku in the path. What is no sku is no product: 404.
pub(in crate::v1) struct InPath(pub(in crate::v1) Sku);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let sku = segment.and_then(|Path(text)| Sku::parse(&text).ok());
        sku.map(Self).ok_or_else(rejection::not_found::<Product>)
    }
}
