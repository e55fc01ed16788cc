//! The connection that appends: one of its own, so that no reader delays a commit.

use crate::db;
use crate::log::{Log, LogError};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// How long a new connection may take before the database counts as away.
const CONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// What holds for this session alone.
const SETTINGS: [(&str, &str); 2] = [
    // Behind another process that hangs with the lock, wait no longer than a client would; shorter than a statement may
    // take, so that it ends with a clear refusal.
    ("lock_timeout", "3s"),
    // The other way round: if this process hangs with the lock, the others wait no longer than that.
    ("idle_in_transaction_session_timeout", "5s"),
];

/// Which server process runs our statements: the one to end when its reply is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backend {
    pub pid: i32,
    /// Tells it from a later process with the same pid.
    pub started_at: DateTime<Utc>,
}

/// A connection that is made when it is needed, and thrown away when its state is in doubt.
#[derive(Default)]
pub(super) struct Connection {
    open: Option<Open>,
}

struct Open {
    session: PgConnection,
    backend: Backend,
    used_at: Instant,
}

impl Connection {
    /// Makes sure that there is a connection, to the history that this process knows.
    pub(super) async fn open(&mut self, log: &Log) -> Result<Backend, LogError> {
        log.check_history()?;
        if let Some(open) = &mut self.open {
            // Found dead before anything is sent on it, it leaves no doubt about what was written.
            let alive = open.used_at.elapsed() < db::TEST_AFTER_IDLE
                || matches!(db::within(CONNECT_AT_MOST, open.session.ping()).await, Ok(Ok(())));
            if alive {
                return Ok(open.backend);
            }
            self.close();
        }
        let open = db::within(CONNECT_AT_MOST, connect(log)).await??;
        let backend = open.backend;
        self.open = Some(open);
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
        let Some(mut open) = self.open.take() else {
            return Err(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()));
        };
        let outcome = db::within(at_most, work(&mut open.session)).await.and_then(|outcome| outcome);
        let in_doubt = outcome.as_ref().is_err_and(|error| !db::surely_undone(error));
        if !in_doubt {
            open.used_at = Instant::now();
            self.open = Some(open);
        }
        outcome
    }
}

async fn connect(log: &Log) -> Result<Open, LogError> {
    let options = PgConnectOptions::clone(&log.pool().connect_options()).options(SETTINGS);
    let mut session = PgConnection::connect_with(&options).await?;
    let (pid, started_at) =
        sqlx::query_as("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            .fetch_one(&mut session)
            .await?;
    log.head_on(&mut session).await?;
    Ok(Open { session, backend: Backend { pid, started_at }, used_at: Instant::now() })
}
