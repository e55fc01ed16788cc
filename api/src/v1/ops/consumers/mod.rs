//! `/v1/ops/consumers`: the consumer groups, how far each is, and what a person instructs them to do.

pub(super) mod operations;
mod resource;
mod show;
mod steer;

pub(crate) use resource::{GroupResource, PreviewResource};
pub(in crate::v1) use show::{list, show};
pub(in crate::v1) use steer::{pause, preview, resume, rewind, withdraw};

use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Path};
use consumers::groups::GroupError;
use http::request::Parts;

/// The consumer that a path names.
pub(in crate::v1) struct Name(String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment.map(|Path(name)| Self(name)).map_err(|_| not_found())
    }
}

fn not_found() -> Problem {
    Problem::new(Code::ConsumerNotFound, "GET /v1/ops/consumers lists those that there are.")
}

impl From<GroupError> for Problem {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NoSuchGroup { .. } => not_found(),
            error @ (GroupError::NotStarted(_) | GroupError::TopicsUnknown(_)) => {
                Self::new(Code::ConsumerNotStarted, format!("{error}."))
            }
            GroupError::NoPreview(_) => {
                Self::new(Code::CountChanged, "This is no token of a preview of this consumer: ask for one.")
            }
            GroupError::BeyondHead { head, .. } => {
                Self::new(Code::PositionBeyondHead, "No answer ever gave this position.").with("head", head.0)
            }
            GroupError::Ledger(error) => error.into(),
        }
    }
}
