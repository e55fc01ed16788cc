//! Work of the schedule that goes through the gateway.

use chrono::{DateTime, Utc};
use commands::schedule::{Done, Failure, Job, JobState, NewJob, Retry, Run, Schedule, Task};
use commands::{Answer, CommandError, Context, Gateway, Submission, trace};
use domain::ids::IssueId;
use domain::newsletter::{Command, Newsletter};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tracing::Span;

/// The name of the task.
const RELEASE: &str = "newsletter_release";
const AT_MOST: Duration = Duration::from_secs(60);
/// An issue that is hours late is better looked at by a person.
const INSIST: Retry = Retry { first: Duration::from_secs(2), longest: Duration::from_secs(300), attempts: 20 };

/// Has an issue of the newsletter released at that time as it is in that version, by whoever asked for it; says whether
/// it was not scheduled before.
pub(crate) async fn put_release(
    schedule: &Schedule,
    issue: IssueId,
    version: u64,
    at: DateTime<Utc>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let (key, payload) = (issue.to_string(), json!({ "actor": actor, "version": version }));
    schedule.put_again(&NewJob { task: RELEASE, key: &key, payload, run_at: at }, Duration::ZERO).await
}

/// Those jobs that will release issues of these ids, as far as they still will.
pub(crate) async fn releases(schedule: &Schedule, issues: &[String]) -> Result<Vec<Job>, sqlx::Error> {
    let jobs = schedule.of_keys(RELEASE, issues).await?;
    let is_ahead = |job: &Job| matches!(job.state, JobState::Waiting | JobState::Running | JobState::Failed);
    Ok(jobs.into_iter().filter(is_ahead).collect())
}

/// Releases issues at their hour.
pub struct ReleaseIssue {
    gateway: Gateway,
}

impl ReleaseIssue {
    /// Releases by this gateway.
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    async fn release(&self, run: &Run) -> Result<Done, Failure> {
        let actor = run.payload()["actor"].as_str().unwrap_or("schedule").to_owned();
        let submission = Submission::<Newsletter> {
            id: run.key().to_owned(),
            command: Command::Release,
            fresh_id: false,
            // What goes out is what was looked at. Jobs from before versions were kept have none.
            expected_version: run.payload()["version"].as_u64(),
            context: Context {
                actor,
                correlation_id: format!("{RELEASE} {}", run.key()),
                causation_id: None,
                traceparent: trace::traceparent(&Span::current()),
                locale: None,
                occurred_at: run.now(),
            },
            key: None,
            answer: Arc::new(|_| Answer { status: 200, location: None, etag: None, body: String::new() }),
            admission: None,
        };
        match self.gateway.submit(submission).await {
            Ok(_) => Ok(Done::plainly()),
            // By an attempt of which the outcome was not known, or by somebody meanwhile.
            Err(CommandError::VersionMismatch { current }) if current.state.is_released() => Ok(Done::plainly()),
            Err(CommandError::VersionMismatch { current }) => Err(Failure::Permanent(format!(
                "it was rewritten after it was scheduled and is in version {} now: look at it, and release it or schedule it anew",
                current.version
            ))),
            Err(
                error @ (CommandError::Rejected { .. } | CommandError::NotStorable(_) | CommandError::Unreadable(_)),
            ) => Err(Failure::Permanent(error.to_string())),
            // Also where the outcome is not known: what is released already is not released again.
            Err(error) => Err(Failure::Temporary(error.to_string())),
        }
    }
}

impl Task for ReleaseIssue {
    fn name(&self) -> &'static str {
        RELEASE
    }

    fn at_most(&self) -> Duration {
        AT_MOST
    }

    fn retry(&self) -> Retry {
        INSIST
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.release(run).boxed()
    }
}
