//! What one process of the program holds, as far as views go.

use chrono_tz::Tz;
use commands::{Log, db};
use domain::Position;
use projections::{Definition, Progress, Rebuilt, RunError, Settings, Views};
use sqlx::PgPool;
use std::time::Duration;
use testkit::Db;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Far more than any test needs.
pub const BOUND: Duration = Duration::from_secs(30);

pub struct Process {
    pub views: Views,
    pub log: Log,
    _stop_on_drop: DropGuard,
}

/// A view that runs in the background.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl Process {
    pub async fn open(db: &Db) -> Self {
        Self::open_in(db, Tz::UTC).await
    }

    pub async fn open_in(db: &Db, time_zone: Tz) -> Self {
        Self::with(db, time_zone, projections::REGISTRY).await
    }

    /// One of a program that has these projections.
    pub async fn of(db: &Db, definitions: &'static [Definition]) -> Self {
        Self::with(db, Tz::UTC, definitions).await
    }

    async fn with(db: &Db, time_zone: Tz, definitions: &'static [Definition]) -> Self {
        let stop = CancellationToken::new();
        let pool = db::connect(&db.app_url(), 8).await.unwrap();
        let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
        let views = Views::of(log.clone(), Settings { time_zone }, definitions);
        Self { views, log, _stop_on_drop: stop.drop_guard() }
    }

    pub fn run(&self, name: &'static str) -> Running {
        let (views, stop) = (self.views.clone(), CancellationToken::new());
        let cancel = stop.clone();
        let task = tokio::spawn(async move { projections::run(&views, name, &cancel).await });
        Running { stop, task }
    }

    /// Waits until the view holds everything that the log does.
    pub async fn caught_up(&self, name: &str) -> Position {
        let head = self.log.head().await.unwrap();
        testkit::eventually("the view is built", BOUND, async || self.views.position(name).await).await;
        self.views.wait_for(name, head, BOUND).await.unwrap()
    }

    /// Runs the view until it has caught up, and no longer.
    pub async fn catch_up(&self, name: &'static str) -> Position {
        let running = self.run(name);
        let position = self.caught_up(name).await;
        running.stop().await.unwrap();
        position
    }

    pub async fn rebuild(&self, name: &str) -> Result<Rebuilt, RunError> {
        self.rebuild_until(name, &CancellationToken::new(), |_| ()).await
    }

    pub async fn rebuild_until(
        &self,
        name: &str,
        cancel: &CancellationToken,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Rebuilt, RunError> {
        projections::rebuild(&self.views, name, "test", cancel, &mut progress).await
    }

    pub fn pool(&self) -> &PgPool {
        self.log.pool()
    }

    /// The schema that readers of the view read.
    pub async fn active_schema(&self, name: &str) -> String {
        sqlx::query_scalar("SELECT active_schema FROM projections WHERE name = $1")
            .bind(name)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// All rows of a table, as JSON texts in the order of their texts.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!("SELECT row_to_json(t)::text FROM {table} AS t ORDER BY 1");
        sqlx::query_scalar(&sql).fetch_all(self.pool()).await.unwrap()
    }

    /// Sets a view that does not run back to the origin, its rows left as they are.
    pub async fn rewind(&self, name: &str) {
        sqlx::query(
            "INSERT INTO projection_checkpoints (schema_name, revision, position, serves)
             SELECT schema_name, max(revision) + 1, 0, true FROM projection_checkpoints
              WHERE schema_name = (SELECT active_schema FROM projections WHERE name = $1) GROUP BY schema_name",
        )
        .bind(name)
        .execute(self.pool())
        .await
        .unwrap();
    }
}

impl Running {
    /// Asks it to stop and waits until it has.
    pub async fn stop(self) -> Result<(), RunError> {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits until it stops by itself.
    pub async fn ended(self) -> Result<(), RunError> {
        tokio::time::timeout(BOUND, self.task).await.expect("it ends in time").expect("it does not panic")
    }
}
