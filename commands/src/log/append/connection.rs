//! The connection that appends: one of its own, so that no reader delays a commit.

use crate::log::append::resolve::LOST;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::time::Duration;

/// How long a new connection may take before the database counts as away.
const CONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// Which server process runs our statements: the one to end when its reply is lost.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    pub pid: i32,
    /// Tells it from a later process with the same pid.
    pub started_at: String,
}

/// A connection that is made when it is needed, and thrown away when its state is in doubt.
#[derive(Default)]
pub(super) struct Connection {
    open: Option<(PgConnection, Backend)>,
}

impl Connection {
    /// Makes sure that there is a connection.
    pub(super) async fn open(&mut self, pool: &PgPool) -> Result<Backend, sqlx::Error> {
        if let Some((_, backend)) = &self.open {
            return Ok(backend.clone());
        }
        let options = pool.connect_options();
        let fresh = async {
            let mut session = PgConnection::connect_with(&options).await?;
            // Under the lock of another process that hangs, wait no longer than a client would.
            sqlx::query("SET lock_timeout = '5s'").execute(&mut session).await?;
            let (pid, started_at) =
                sqlx::query_as("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()")
                    .fetch_one(&mut session)
                    .await?;
            Ok((session, Backend { pid, started_at }))
        };
        let (session, backend) = tokio::time::timeout(CONNECT_AT_MOST, fresh)
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))?;
        self.open = Some((session, backend.clone()));
        Ok(backend)
    }

    /// Forgets the connection, and with it every statement prepared on it.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Runs `work` on the open connection, for at most `at_most`. After an error that leaves its state in doubt the
    /// connection is gone.
    pub(super) async fn within<T>(
        &mut self,
        at_most: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let Some((mut session, backend)) = self.open.take() else {
            return Err(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()));
        };
        let outcome = tokio::time::timeout(at_most, work(&mut session)).await.unwrap_or_else(|_| Err(LOST()));
        let in_doubt = outcome.as_ref().is_err_and(|error| !crate::db::surely_undone(error));
        if !in_doubt {
            self.open = Some((session, backend));
        }
        outcome
    }
}
