//! `GET /v1/ops/schedule`: work at a given time and periodic work, with the state, the next time and the last error of each job.
//!
//! Jobs that ended well or were cancelled are left out unless `all=true`. Times that are not known yet are `null`.

use super::super::paging::{List, PageRequest};
use super::super::reads::json;
use super::super::time;
use crate::auth::Allowed;
use crate::auth::permission::RunSystem;
use crate::http::App;
use crate::http::query::Query;
use crate::openapi::Instant;
use crate::problem::{Problem, within};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use commands::schedule::Job;
use commands::{Clock, Schedule};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(in crate::v1) struct JobResource<'a> {
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
    fn of(job: &'a Job) -> Self {
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
    let schedule = Schedule::new(app.log.pool().clone(), Clock::system());
    let jobs = within(schedule.list(after, page.limit, all)).await?;
    // A full page may be the last one; the next is empty then.
    let is_full = u32::try_from(jobs.len()).is_ok_and(|rows| rows == page.limit);
    let next = jobs.last().filter(|_| is_full).map(|job| job.id.unsigned_abs());
    Ok(json(list.page(jobs.iter().map(JobResource::of).collect(), next.as_ref())))
}
