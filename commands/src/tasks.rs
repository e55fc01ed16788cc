//! Background tasks that outlive their faults.

use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause before a task that ended is started again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs `work` until `cancel`: it never ends by itself, and if a fault of ours ends it, it is started again.
pub(crate) fn keep_running<F>(
    name: &'static str,
    cancel: CancellationToken,
    tracker: &TaskTracker,
    work: impl Fn() -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    tracker.spawn(cancel.run_until_cancelled_owned(async move {
        loop {
            let ended = AssertUnwindSafe(work()).catch_unwind().await;
            metrics::counter!("orders_task_restarts_total", "task" => name).increment(1);
            tracing::error!(task = name, panicked = ended.is_err(), "a background task ended; it is started again");
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }));
}
