//! Whether this process lives, and whether it can do its work.
//!
//! `/readyz` answers 503 only for what this process needs for its own roles: each role registers what that is.

use crate::ops::status::Stalled;
use futures::future::{BoxFuture, join_all};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long one check may take before it counts as failed.
const CHECK_AT_MOST: Duration = Duration::from_secs(2);

/// `Ok` may carry what is worth knowing although nothing is wrong.
type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<Option<String>, String>> + Send + Sync>;

/// The checks that this process must pass to be ready. Cheap to clone; all clones share the checks.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<RwLock<Vec<(String, Check)>>>,
    stalled: Arc<RwLock<Vec<Stalled>>>,
}

/// What came of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Readiness")]
pub struct Report {
    /// Whether all passed.
    pub ready: bool,
    /// Each of them.
    pub checks: Vec<CheckReport>,
    /// What makes no progress though there is work. It is no reason to send requests elsewhere, so it does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watchdog: Vec<Stalled>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ReadinessCheck")]
pub struct CheckReport {
    /// What was checked.
    pub name: String,
    /// Whether it passed.
    pub ready: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is worth knowing although nothing is wrong: that a person has paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Readiness {
    /// Adds a check. It gives the reason why the process can't do its work, without personal data or secrets, and is
    /// asked for at every look, so it should be cheap.
    pub fn register<F, R>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.register_with_note(name, move || {
            let checked = check();
            async move { checked.await.map(|()| None) }
        });
    }

    /// The same for a check that may have something to note although it passed.
    pub fn register_with_note<F, R>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<String>, String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || Box::pin(check()));
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push((name.into(), check));
    }

    /// Runs all checks at once; each has two seconds.
    pub async fn report(&self) -> Report {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = join_all(checks.into_iter().map(|(name, check)| async move {
            let outcome = tokio::time::timeout(CHECK_AT_MOST, check()).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {CHECK_AT_MOST:?}")));
            let (note, reason) = match outcome {
                Ok(note) => (note, None),
                Err(reason) => (None, Some(reason)),
            };
            CheckReport { name, ready: reason.is_none(), reason, note }
        }))
        .await;
        let watchdog = self.stalled.read().unwrap_or_else(PoisonError::into_inner).clone();
        Report { ready: checks.iter().all(|check| check.ready), checks, watchdog }
    }

    /// Shows, from now on, that this makes no progress.
    pub fn show_stalled(&self, stalled: Vec<Stalled>) {
        *self.stalled.write().unwrap_or_else(PoisonError::into_inner) = stalled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_failed_check_is_enough_and_says_why() {
        let readiness = Readiness::default();
        assert!(readiness.report().await.ready, "nothing is needed, so nothing is missing");
        readiness.register("log", || async { Ok(()) });
        readiness.register("relay", || async { Err("Kafka is ahead of the log".to_owned()) });
        let report = readiness.report().await;
        assert!(!report.ready);
        assert_eq!(report.checks[0].reason, None);
        assert_eq!(report.checks[1].reason.as_deref(), Some("Kafka is ahead of the log"));
    }

    #[tokio::test]
    async fn what_a_person_has_paused_is_noted_and_no_failure() {
        let readiness = Readiness::default();
        readiness.register_with_note("consumer", || async { Ok(Some("paused: the server moves".to_owned())) });
        let report = readiness.report().await;
        assert!(report.ready);
        assert_eq!(report.checks[0].note.as_deref(), Some("paused: the server moves"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_has_failed() {
        let readiness = Readiness::default();
        readiness.register("database", std::future::pending);
        let report = readiness.report().await;
        assert_eq!(report.checks[0].reason.as_deref(), Some("no answer within 2s"));
    }
}
