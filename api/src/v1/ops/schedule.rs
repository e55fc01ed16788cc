//! `GET /v1/ops/schedule`: work at a given time and periodic work, with the state, the next time and the last error of
//! each job. `POST /v1/ops/schedule/{id}/run` and `…/cancel` decide on one.
//!
//! Jobs that ended well or were cancelled are left out unless `all=true`. Times that are not known yet are `null`.

use super::super::incoming::Incoming;
use super::super::paging::{List, PageRequest};
use super::super::reads::{json, json_of};
use super::super::time;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::RequestId;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Code, Problem, within};
use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::response::Response;
use commands::schedule::{Decided, Job};
use http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(crate) struct JobResource<'a> {
    id: i64,
    task: &'a str,
    key: &'a str,
    state: &'static str,
    #[schemars(with = "Instant")]
    run_at: String,
    /// Later than `run_at` after a failure.
    #[schemars(with = "Option<Instant>")]
    next_look_at: Option<String>,
    every_s: Option<u64>,
    attempts: u32,
    last_error: Option<&'a str>,
    #[schemars(with = "Option<Instant>")]
    last_run_at: Option<String>,
    decided_by: Option<&'a str>,
}

impl<'a> JobResource<'a> {
    pub(crate) fn of(job: &'a Job) -> Self {
        Self {
            id: job.id,
            task: &job.task,
            key: &job.key,
            state: job.state.as_str(),
            run_at: time::text(job.run_at),
            next_look_at: job.due_at.map(time::text),
            every_s: job.every_s,
            attempts: job.attempts,
            last_error: job.last_error.as_deref(),
            last_run_at: job.last_run_at.map(time::text),
            decided_by: job.decided_by.as_deref(),
        }
    }
}

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    _: Allowed<RunSystem>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::new(query.as_deref());
    let (all, page) = (query.boolean("all").unwrap_or(false), PageRequest::of(&mut query));
    query.finish()?;
    let list = List::new("schedule", &format!("all={all}"));
    let after = page.after::<u64>(&list)?.map_or(0, u64::cast_signed);
    let jobs = within(app.members.schedule().list(after, page.limit, all)).await?;
    Ok(json(list.page_of(&jobs, page.limit, |job| job.id, JobResource::of)))
}

/// The job that a path names. What is no number is no job: 404.
pub(in crate::v1) struct Id(i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = segment.and_then(|Path(text)| text.parse().ok()).filter(|id: &i64| *id > 0);
        id.map(Self).ok_or_else(not_possible)
    }
}

/// What was decided.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobDecision")]
pub(in crate::v1) struct DecidedResource {
    id: i64,
}

pub(in crate::v1) async fn run(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Id(id): Id,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    Incoming::receive_nothing(allowed, request_id, request).await?;
    told(id, within(app.members.schedule().run_now(id, &who)).await?)
}

pub(in crate::v1) async fn cancel(
    State(app): State<Arc<App>>,
    allowed: Allowed<RunSystem>,
    Id(id): Id,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let who = allowed.key.actor.clone();
    Incoming::receive_nothing(allowed, request_id, request).await?;
    told(id, within(app.members.schedule().cancel(id, &who)).await?)
}

fn told(id: i64, decided: Decided) -> Result<Response, Problem> {
    match decided {
        Decided::Done => json_of(&DecidedResource { id }),
        Decided::NotPossible => Err(not_possible()),
    }
}

fn not_possible() -> Problem {
    Problem::new(Code::JobNotFound, "There is no such job in a state for that: GET /v1/ops/schedule lists them.")
}
