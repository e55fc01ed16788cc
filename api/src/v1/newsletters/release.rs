//! `POST /v1/newsletters/{id}/release`: sends an issue to the subscribers of this moment, or with `at` of that one:
//! then it is a job of the schedule until then, which `orders schedule` shows and cancels. Released once, it is
//! released for good.

use super::super::incoming::{Ask, Incoming};
use super::super::reads::json_of;
use super::super::time;
use super::id;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::permission::WriteNewsletters;
use crate::http::RequestId;
use crate::http::body::{self, Accepts, Fields};
use crate::openapi::Instant;
use crate::problem::{Code, Problem, ValueError, rejection, within};
use crate::scheduled;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::ids::IssueId;
use domain::newsletter::{Command, Newsletter};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

pub(in crate::v1) async fn handle(
    State(app): State<Arc<App>>,
    allowed: Allowed<WriteNewsletters>,
    id::InPath(id): id::InPath,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let actor = allowed.key.actor.clone();
    let incoming = Incoming::receive(allowed, request_id, request, Accepts::JSON).await?;
    match body::read(&incoming.body, at)? {
        Some(at) if at > app.settings().sessions.clock.now() => schedule(&app, id, at, &actor).await,
        _ => {
            let (id, command) = (id.to_string(), Command::Release);
            let ask = Ask { id, command, creates: false, fresh_id: false, items_at: None };
            incoming.submit::<Newsletter>(&app, ask).await
        }
    }
}

async fn schedule(app: &App, id: IssueId, at: DateTime<Utc>, actor: &str) -> Result<Response, Problem> {
    let issue = within(app.gateway.load::<Newsletter>(&id.to_string())).await?;
    if issue.state.content().is_none() {
        return Err(rejection::not_found::<Newsletter>());
    }
    if issue.state.is_released() {
        return Err(Problem::new(Code::NewsletterReleased, "It has gone out already."));
    }
    if !within(scheduled::put_release(app.members.schedule(), id, issue.version, at, actor)).await? {
        let detail = "Cancel it first, if it is to go out at another time: `orders schedule list`.";
        return Err(Problem::new(Code::NewsletterScheduled, detail));
    }
    let scheduled = Scheduled { id, released: false, release_at: at };
    let mut response = json_of(&scheduled)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// An issue that goes out at its hour.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScheduledIssue")]
pub(super) struct Scheduled {
    #[schemars(with = "Uuid")]
    id: IssueId,
    /// Always `false`.
    released: bool,
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Instant")]
    release_at: DateTime<Utc>,
}

/// Reads `at`, which may be missing.
pub(super) fn at(body: &mut Fields<'_, '_>) -> Option<Option<DateTime<Utc>>> {
    body.optional_text("at", |text| {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| NotATime)?;
        Ok::<_, NotATime>(time.with_timezone(&Utc))
    })
}

/// The text names no time.
struct NotATime;

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not a time by RFC 3339 such as 2026-01-31T08:00:00Z")
    }
}

impl ValueError for NotATime {
    fn code(&self) -> &'static str {
        "not_a_time"
    }
}
