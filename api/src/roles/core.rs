//! What most roles are made of: a pool, the log, and what follows it.

use super::{Database, Failure};
use commands::{Catalogue, Gateway, GatewaySettings, Log};
use consumers::KafkaSettings;
use consumers::topics::Topics;
use projections::Views;
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the parts may take to end: what was handed in is written, connections are closed.
const STOP_AT_MOST: Duration = Duration::from_secs(10);

/// The log, opened, and the tasks that it needs.
pub struct Core {
    /// The log.
    pub log: Log,
    pool: PgPool,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Core {
    /// Connects and opens the log.
    pub async fn open(database: &Database) -> Result<Self, Failure> {
        let pool = database.pool().await?;
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let log = Log::open(pool.clone(), cancel.clone(), &tasks).await?;
        Ok(Self { log, pool, cancel, tasks })
    }

    /// The way in for commands. The catalogue has caught up on return.
    pub async fn gateway(&self) -> Result<(Gateway, Catalogue), Failure> {
        let catalogue = Catalogue::open(self.log.clone(), self.cancel.clone(), &self.tasks).await?;
        let settings = GatewaySettings::default();
        let gateway = Gateway::open(self.log.clone(), catalogue.clone(), settings, self.cancel.clone(), &self.tasks);
        Ok((gateway, catalogue))
    }

    /// The read models.
    pub fn views(&self, settings: projections::Settings) -> Views {
        Views::new(self.log.clone(), settings)
    }

    /// Refuses to begin on a log that is not, or no longer, the one whose events are in Kafka. Whether it is may not be
    /// told at this moment: the relay and the consumers ask again before they do anything.
    pub async fn check_history(&self, kafka: &KafkaSettings) -> Result<(), Failure> {
        match consumers::relay::check_history(&self.log, kafka, &Topics::new(&kafka.prefix)).await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "what Kafka has of the log can't be told yet");
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    /// The pool that all share.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Writes what was handed in and closes the connections.
    pub async fn close(self) {
        self.cancel.cancel();
        self.tasks.close();
        let ended = async {
            self.tasks.wait().await;
            self.pool.close().await;
        };
        if tokio::time::timeout(STOP_AT_MOST, ended).await.is_err() {
            tracing::warn!("parts of the log were still at work after {STOP_AT_MOST:?}");
        }
    }
}
