//! A job as it stands in the table, and what becomes of it after an attempt.

use super::later;
use super::task::{Done, Failure, Retry};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::time::Duration;
use uuid::Uuid;

/// The longest reason that is kept.
const MAX_REASON_CHARS: usize = 1_000;

/// A job to be put in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob<'a> {
    /// The name of the task.
    pub task: &'static str,
    /// Of a task there is one job of a key. Not empty, at most 200 bytes.
    pub key: &'a str,
    /// What the task needs to know: small, and gone once it has ended well.
    pub payload: Value,
    /// When it is to be done.
    pub run_at: DateTime<Utc>,
}

/// What became of a job so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Its time has not come, or no instance has looked since.
    Waiting,
    /// An instance is at it.
    Running,
    /// An instance is at it, and acts outside: what comes of that may not be known.
    Sending,
    /// It has ended well.
    Done,
    /// It was tried often enough, or can't be done. Needs a person.
    Failed,
    /// It was cut off while it acted outside, so it is done or not. Needs a person.
    Unknown,
    /// A person did not want it.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Running, Self::Sending, Self::Done, Self::Failed, Self::Unknown, Self::Cancelled];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Sending => "sending",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    /// That of a row.
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let state: &str = row.try_get("state")?;
        let unknown = || sqlx::Error::ColumnDecode { index: "state".to_owned(), source: format!("`{state}`").into() };
        Self::parse(state).ok_or_else(unknown)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A job as people see it. What it needs to know is left out: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// By which it is cancelled or run.
    pub id: i64,
    /// The name of its task.
    pub task: String,
    /// Which one of that task; empty for a periodic one.
    pub key: String,
    /// What became of it so far.
    pub state: JobState,
    /// When it is to be done; of a periodic job the next time, or the one under way.
    pub run_at: DateTime<Utc>,
    /// When it is looked at again: later than `run_at` after a failure. `None` where nothing more will happen by
    /// itself.
    pub due_at: Option<DateTime<Utc>>,
    /// How many seconds lie between two runs of a periodic job.
    pub every_s: Option<u64>,
    /// How often it was tried for this time.
    pub attempts: u32,
    /// What went wrong the last time; `None` after a success.
    pub last_error: Option<String>,
    /// When an attempt ended last.
    pub last_run_at: Option<DateTime<Utc>>,
    /// Who cancelled it, or had it run at once.
    pub decided_by: Option<String>,
    /// When it was put in.
    pub created_at: DateTime<Utc>,
}

impl<'r> FromRow<'r, PgRow> for Job {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            task: row.try_get("task")?,
            key: row.try_get("job_key")?,
            state: JobState::of(row)?,
            run_at: row.try_get("run_at")?,
            due_at: row.try_get("due_at")?,
            every_s: row.try_get::<Option<i64>, _>("every_s")?.map(i64::unsigned_abs),
            attempts: row.try_get::<i32, _>("attempts")?.unsigned_abs(),
            last_error: row.try_get("last_error")?,
            last_run_at: row.try_get("last_run_at")?,
            decided_by: row.try_get("decided_by")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// What a person's decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Decided {
    /// It is carried out.
    Done,
    /// There is no such job, or it is in no state for that.
    NotPossible,
}

/// A job that one attempt holds.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(super) struct Claimed {
    pub id: i64,
    pub task: String,
    #[sqlx(rename = "job_key")]
    pub key: String,
    pub payload: Value,
    pub every_s: Option<i64>,
    pub run_at: DateTime<Utc>,
    pub attempts: i32,
    /// Names this attempt.
    pub owner: Uuid,
    /// The trace that it belongs to; no part of the payload here.
    #[sqlx(skip)]
    pub traceparent: Option<String>,
}

/// What a job becomes after an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Next {
    pub state: JobState,
    pub due_at: Option<DateTime<Utc>>,
    pub run_at: DateTime<Utc>,
    /// What it needs to know from now on, if that is something else.
    pub payload: Option<Value>,
    pub last_error: Option<String>,
    /// Whether attempts are counted from zero again.
    pub starts_over: bool,
}

impl Claimed {
    /// How often it was tried, this time included.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts.unsigned_abs()
    }

    /// What comes after an attempt that ended like this; `None` where the job is another's by now.
    pub(super) fn after(&self, outcome: Result<Done, Failure>, retry: Retry, now: DateTime<Utc>) -> Option<Next> {
        match outcome {
            Ok(done) => Some(self.ended_well(done, now)),
            Err(Failure::Temporary(reason)) if self.attempt() < retry.attempts => Some(Next {
                state: JobState::Waiting,
                due_at: Some(later(now, retry.pause(self.attempt()))),
                run_at: self.run_at,
                payload: None,
                last_error: Some(shortened(&reason)),
                starts_over: false,
            }),
            Err(Failure::Temporary(reason) | Failure::Permanent(reason)) => {
                Some(self.ended_badly(JobState::Failed, &reason, now))
            }
            Err(Failure::Unknown(reason)) => Some(self.ended_badly(JobState::Unknown, &reason, now)),
            Err(Failure::Lost) => None,
        }
    }

    fn ended_well(&self, done: Done, now: DateTime<Utc>) -> Next {
        match self.next_time(now).or(done.goes_on_at) {
            Some(next) => Next {
                state: JobState::Waiting,
                due_at: Some(next),
                run_at: next,
                payload: done.payload,
                last_error: None,
                starts_over: true,
            },
            None => Next {
                state: JobState::Done,
                due_at: None,
                run_at: self.run_at,
                payload: Some(Value::Object(serde_json::Map::new())),
                last_error: None,
                starts_over: false,
            },
        }
    }

    /// A periodic job goes on with its next time: that one went wrong stays to be seen.
    fn ended_badly(&self, state: JobState, reason: &str, now: DateTime<Utc>) -> Next {
        let next = self.next_time(now);
        Next {
            state: if next.is_some() { JobState::Waiting } else { state },
            due_at: next,
            run_at: next.unwrap_or(self.run_at),
            payload: None,
            last_error: Some(shortened(reason)),
            starts_over: next.is_some(),
        }
    }

    /// The first time of a periodic job that lies after `now`: times that were missed are made up for once, not each.
    fn next_time(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let every = Duration::from_secs(self.every_s?.unsigned_abs().max(1));
        let missed = (now - self.run_at).max(TimeDelta::zero()).to_std().unwrap_or_default();
        let times = u32::try_from(missed.as_secs() / every.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Some(later(self.run_at, every.saturating_mul(times)))
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::task::RETRY;
    use serde_json::json;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn claimed(every_s: Option<i64>, attempts: i32) -> Claimed {
        Claimed {
            id: 1,
            task: "t".to_owned(),
            key: "k".to_owned(),
            payload: json!({ "to": "somebody" }),
            every_s,
            run_at: at(100),
            attempts,
            owner: Uuid::nil(),
            traceparent: None,
        }
    }

    #[test]
    fn what_ended_well_once_is_done_and_forgets_what_it_knew() {
        let next = claimed(None, 1).after(Ok(Done::plainly()), RETRY, at(105)).unwrap();
        assert_eq!((next.state, next.due_at, next.payload), (JobState::Done, None, Some(json!({}))));
    }

    #[test]
    fn a_periodic_job_keeps_its_beat_and_makes_up_for_what_it_missed_once() {
        for (now, expected) in [(100, 110), (105, 110), (110, 120), (171, 180)] {
            let next = claimed(Some(10), 3).after(Ok(Done::plainly()), RETRY, at(now)).unwrap();
            assert_eq!((next.run_at, next.due_at), (at(expected), Some(at(expected))), "at {now}");
            assert_eq!((next.state, next.payload, next.starts_over), (JobState::Waiting, None, true));
        }
    }

    #[test]
    fn a_failure_is_tried_again_within_bounds() {
        let refused = || Err(Failure::Temporary("not now".to_owned()));
        let next = claimed(None, 1).after(refused(), RETRY, at(200)).unwrap();
        assert_eq!((next.state, next.run_at), (JobState::Waiting, at(100)));
        assert!(next.due_at > Some(at(200)) && next.due_at <= Some(later(at(200), RETRY.first)));
        let last = i32::try_from(RETRY.attempts).unwrap();
        let next = claimed(None, last).after(refused(), RETRY, at(200)).unwrap();
        assert_eq!((next.state, next.due_at, next.last_error.as_deref()), (JobState::Failed, None, Some("not now")));
        let next = claimed(Some(10), last).after(refused(), RETRY, at(200)).unwrap();
        assert_eq!((next.state, next.run_at, next.starts_over), (JobState::Waiting, at(210), true));
        assert_eq!(next.last_error.as_deref(), Some("not now"), "that it went wrong can be seen");
    }

    #[test]
    fn what_is_done_in_part_goes_on() {
        let outcome = Ok(Done::in_part(json!({ "after": 7 }), at(130)));
        let next = claimed(None, 3).after(outcome, RETRY, at(105)).unwrap();
        assert_eq!((next.state, next.due_at, next.starts_over), (JobState::Waiting, Some(at(130)), true));
        assert_eq!(next.payload, Some(json!({ "after": 7 })));
    }

    #[test]
    fn what_nobody_knows_is_not_tried_again() {
        let next = claimed(None, 1).after(Err(Failure::Unknown("cut off".to_owned())), RETRY, at(200)).unwrap();
        assert_eq!((next.state, next.due_at), (JobState::Unknown, None));
        assert_eq!(claimed(None, 1).after(Err(Failure::Lost), RETRY, at(200)), None);
    }
}
