//! What whoever runs the system looks at, and orders.

pub(crate) mod audit;
pub(crate) mod consumers;
pub(super) mod dead_letters;
pub(super) mod instances;
pub(crate) mod mails;
mod operations;
pub(crate) mod parked;
pub(super) mod projections;
pub(super) mod schedule;
pub(super) mod status;
pub(super) mod status_operations;
mod words;

pub(super) use operations::operations;

use super::reads::json;
use crate::problem::Problem;
use axum::response::Response;
use serde::Serialize;

/// 200 with that as JSON.
fn answer(body: &impl Serialize) -> Result<Response, Problem> {
    Ok(json(serde_json::to_string(body).map_err(|_| Problem::internal())?))
}
