//! `/v1/ops/parked`: what consumers could not do and a person decides on; and what waits, where that is asked for.

mod decide;
mod list;
mod names;
pub(super) mod operations;
mod resource;
mod show;

pub(in crate::v1) use decide::{discard, discard_all, retry, retry_all};
pub(in crate::v1) use list::handle as list;
pub(crate) use names::{ConsumerName, TypeName, UnknownConsumer};
pub(crate) use resource::{AttemptResource, ItemResource, ParkedResource};
pub(in crate::v1) use show::handle as show;

use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Path};
use consumers::ledger::State;
use http::request::Parts;

/// The states that are asked for.
pub(crate) const STATES: [State; 3] = [State::Parked, State::Unknown, State::Waiting];

/// The item that a path names. What is no number is no item: 404.
pub(in crate::v1) struct Item(i64);

impl<S: Send + Sync> FromRequestParts<S> for Item {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = segment.and_then(|Path(text)| text.parse().ok()).filter(|id: &i64| *id > 0);
        id.map(Self).ok_or_else(not_found)
    }
}

fn not_found() -> Problem {
    Problem::new(Code::ItemNotFound, "GET /v1/ops/parked lists those that there are.")
}
