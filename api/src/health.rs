//! Whether this process lives, and whether it can do its work.
//!
//! `/readyz` answers 503 only for what this process needs for its own roles: each role registers what that is.

use futures::future::{BoxFuture, join_all};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long one check may take before it counts as failed.
const CHECK_AT_MOST: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The checks that this process must pass to be ready. Cheap to clone; all clones share the checks.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<RwLock<Vec<(String, Check)>>>,
}

/// What came of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Readiness")]
pub struct Report {
    /// Whether all passed.
    pub ready: bool,
    /// Each of them.
    pub checks: Vec<CheckReport>,
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
}

impl Readiness {
    /// Adds a check. It gives the reason why the process can't do its work, without personal data or secrets, and is
    /// asked for at every look, so it should be cheap.
    pub fn register<F, R>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || Box::pin(check()));
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push((name.into(), check));
    }

    /// Runs all checks at once; each has two seconds.
    pub async fn report(&self) -> Report {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = join_all(checks.into_iter().map(|(name, check)| async move {
            let outcome = tokio::time::timeout(CHECK_AT_MOST, check()).await;
            let reason = match outcome {
                Ok(outcome) => outcome.err(),
                Err(_) => Some(format!("no answer within {CHECK_AT_MOST:?}")),
            };
            CheckReport { name, ready: reason.is_none(), reason }
        }))
        .await;
        Report { ready: checks.iter().all(|check| check.ready), checks }
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

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_has_failed() {
        let readiness = Readiness::default();
        readiness.register("database", std::future::pending);
        let report = readiness.report().await;
        assert_eq!(report.checks[0].reason.as_deref(), Some("no answer within 2s"));
    }
}
