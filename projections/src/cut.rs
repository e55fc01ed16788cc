//! Ends statements that nobody waits for any more: left alone they would go on, for minutes, and hold what they have
//! locked.

use commands::db;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long ending a statement on another session may take.
const CUT_WITHIN: Duration = Duration::from_secs(5);
/// How often a session whose work is cancelled is cut off, until that is noticed.
const CUT_EVERY: Duration = Duration::from_millis(100);

/// Ends the statement that a session is at.
pub(crate) async fn cut(pool: &PgPool, process: i32) {
    let cut = sqlx::query("SELECT pg_cancel_backend($1)").bind(process);
    if let Err(error) = db::work(pool, CUT_WITHIN, async |session| cut.execute(session).await).await {
        tracing::info!(%error, "a statement that nobody waits for could not be ended");
    }
}

/// Cuts a session off from when its work is cancelled until this is ended, or dropped.
pub(crate) struct CutOff {
    task: AbortOnDropHandle<()>,
    is_over: CancellationToken,
}

impl CutOff {
    /// Ends whatever statement the session is at once `cancel` says so, and the next one too.
    pub(crate) async fn when(
        cancel: &CancellationToken,
        pool: &PgPool,
        session: &mut PgConnection,
    ) -> Result<Self, sqlx::Error> {
        let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(session).await?;
        let (pool, cancel, is_over) = (pool.clone(), cancel.clone(), CancellationToken::new());
        let over = is_over.clone();
        let task = tokio::spawn(async move {
            if over.run_until_cancelled(cancel.cancelled()).await.is_none() {
                return;
            }
            while !over.is_cancelled() {
                cut(&pool, process).await;
                over.run_until_cancelled(tokio::time::sleep(CUT_EVERY)).await;
            }
        });
        Ok(Self { task: AbortOnDropHandle::new(task), is_over })
    }

    /// Lets the session be. What it does from now on is done whole: nothing that was sent to end a statement is still
    /// on its way.
    pub(crate) async fn end(self) {
        self.is_over.cancel();
        // It can't be told of a panic in there but by what that panic has said.
        let _ = self.task.await;
    }
}
