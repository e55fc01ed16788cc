//! Background tasks that nobody has to look after: none ends unseen.
//!
//! A task that panics is a fault of ours that may not come again: it is started anew after a pause that grows. One that
//! returns an error has tried by itself what can be tried; it needs a person and stays as it is. Either way the reason
//! is logged once and shown in `/readyz`, and `/metrics` tells that the task is down.

use crate::health::Readiness;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A task that ran this long before it failed begins again with the first pause.
const STABLE_AFTER: Duration = Duration::from_secs(300);

/// Looks after the tasks of this process. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    readiness: Readiness,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

/// What one task is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TaskState {
    Running,
    Restarting(String),
    Stopped(String),
}

impl Supervisor {
    /// Shows the tasks' health in `readiness`.
    pub fn new(readiness: Readiness) -> Self {
        Self { readiness, cancel: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Where the tasks' health is shown.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Starts a task. It ends with `Ok` when the token that it is given is cancelled; `work` is called once per start.
    /// While it runs, `health` says how it is: `Err` is why it can't do its work at the moment.
    pub fn spawn<W, R, E, H>(&self, name: &str, health: H, work: W)
    where
        W: FnMut(CancellationToken) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
        H: Fn() -> Result<(), String> + Send + Sync + 'static,
    {
        self.spawn_with_note(name, move || health().map(|()| None), work);
    }

    /// The same for a task whose health may have something to note although nothing is wrong.
    pub fn spawn_with_note<W, R, E, H>(&self, name: &str, health: H, mut work: W)
    where
        W: FnMut(CancellationToken) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
        H: Fn() -> Result<Option<String>, String> + Send + Sync + 'static,
    {
        let (state, watched) = watch::channel(TaskState::Running);
        self.readiness.register_with_note(name, move || {
            let outcome = match &*watched.borrow() {
                TaskState::Running => health(),
                TaskState::Restarting(reason) | TaskState::Stopped(reason) => Err(reason.clone()),
            };
            std::future::ready(outcome)
        });
        let task = Task { name: name.into(), state, cancel: self.cancel.clone(), pause: FIRST_PAUSE };
        task.show_up(true);
        self.tasks.spawn(task.run(move |cancel| {
            // A task of its own, so that a panic is contained and seen.
            tokio::spawn(work(cancel))
        }));
    }

    /// Starts a task whose running is all that is asked of it.
    pub fn spawn_plain<W, R, E>(&self, name: &str, work: W)
    where
        W: FnMut(CancellationToken) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        self.spawn(name, || Ok(()), work);
    }

    /// What work that others begin ends with, and is waited for in.
    pub fn for_others(&self) -> (CancellationToken, TaskTracker) {
        (self.cancel.clone(), self.tasks.clone())
    }

    /// Asks all tasks to end and waits until they have, at most for `at_most`. Says whether they all did.
    pub async fn stop(&self, at_most: Duration) -> bool {
        self.cancel.cancel();
        self.tasks.close();
        tokio::time::timeout(at_most, self.tasks.wait()).await.is_ok()
    }
}

struct Task {
    name: Arc<str>,
    state: watch::Sender<TaskState>,
    cancel: CancellationToken,
    pause: Duration,
}

impl Task {
    async fn run<E, W>(mut self, mut start: W)
    where
        W: FnMut(CancellationToken) -> tokio::task::JoinHandle<Result<(), E>>,
        E: Display,
    {
        while !self.cancel.is_cancelled() {
            let started = tokio::time::Instant::now();
            let outcome = start(self.cancel.clone()).await;
            if self.cancel.is_cancelled() && matches!(outcome, Ok(Ok(()))) {
                break;
            }
            if started.elapsed() > STABLE_AFTER {
                self.pause = FIRST_PAUSE;
            }
            match outcome {
                Ok(Err(error)) => return self.stopped(error.to_string()).await,
                Ok(Ok(())) => self.restart("it ended by itself".to_owned()).await,
                Err(error) => self.restart(panic_text(error)).await,
            }
        }
    }

    async fn stopped(&self, reason: String) {
        tracing::error!(task = &*self.name, reason, "the task has stopped, and needs a person");
        self.show_up(false);
        self.state.send_replace(TaskState::Stopped(reason));
    }

    async fn restart(&mut self, reason: String) {
        tracing::error!(
            task = &*self.name,
            reason,
            pause_s = self.pause.as_secs(),
            "the task has failed; it is started again"
        );
        metrics::counter!("orders_task_restarts_total", "task" => self.name.to_string()).increment(1);
        self.show_up(false);
        self.state.send_replace(TaskState::Restarting(reason));
        self.cancel.run_until_cancelled(tokio::time::sleep(self.pause)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.state.send_replace(TaskState::Running);
        self.show_up(true);
    }

    fn show_up(&self, up: bool) {
        metrics::gauge!("orders_task_up", "task" => self.name.to_string()).set(f64::from(u8::from(up)));
    }
}

fn panic_text(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("it panicked: {}", text.as_deref().unwrap_or("without a text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn reason(readiness: &Readiness) -> Option<String> {
        readiness.report().await.checks[0].reason.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_shown_and_the_task_started_again() {
        let supervisor = Supervisor::new(Readiness::default());
        let starts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&starts);
        supervisor.spawn_plain("relay", move |cancel| {
            let start = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                assert_ne!(start, 0, "the first start fails");
                cancel.cancelled().await;
                Ok::<(), String>(())
            }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(reason(supervisor.readiness()).await.is_some_and(|reason| reason.contains("the first start fails")));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(reason(supervisor.readiness()).await, None);
        assert_eq!(starts.load(Ordering::Relaxed), 2);
        assert!(supervisor.stop(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_stays_until_somebody_comes() {
        let supervisor = Supervisor::new(Readiness::default());
        supervisor.spawn_plain("relay", |_cancel| async { Err("Kafka is ahead of the log") });
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(reason(supervisor.readiness()).await.as_deref(), Some("Kafka is ahead of the log"));
        assert!(supervisor.stop(Duration::from_secs(1)).await);
    }
}
