//! The running processes of the program: how this one is called, and how each says of itself that it lives.

use crate::db;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::process;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often an instance says that it lives.
const SEEN_EVERY: Duration = Duration::from_secs(5);
/// One that has said nothing for so long is shown as gone.
const GONE_AFTER_S: f64 = 15.0;
/// One that has said nothing for so long is not shown any more.
const FORGOTTEN_AFTER_S: f64 = 3_600.0;

/// The name of this machine, or `localhost` where it has none that is text.
pub fn host() -> String {
    hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "localhost".to_owned())
}

/// What people are told this process is called: `host:pid`.
pub fn own_name() -> String {
    format!("{}:{}", host(), process::id())
}

/// What an instance says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// That of its log, [`Log::instance`](crate::Log::instance).
    pub id: Uuid,
    /// The name of its host.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// What it was started as, such as `orders relay`.
    pub command: String,
    /// The program's version.
    pub version: String,
}

/// An instance as others see it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeenInstance {
    /// Which.
    pub id: Uuid,
    /// The name of its host.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// What it was started as.
    pub command: String,
    /// The program's version.
    pub version: String,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it was last seen.
    pub seen_at: DateTime<Utc>,
    /// Whether that is recent.
    pub lives: bool,
}

impl Instance {
    /// This process; `id` is that of its log.
    pub fn own(id: Uuid, command: &str, version: &str) -> Self {
        Self { id, host: host(), pid: process::id(), command: command.to_owned(), version: version.to_owned() }
    }

    /// Says that it lives until `cancel`, then that it has gone. Where the database is away meanwhile, it says so
    /// later.
    pub async fn keep_seen(&self, pool: &PgPool, cancel: &CancellationToken) {
        loop {
            if let Err(error) = self.say(pool).await {
                tracing::debug!(%error, "that this instance lives could not be told");
            }
            if cancel.run_until_cancelled(tokio::time::sleep(SEEN_EVERY)).await.is_none() {
                break;
            }
        }
        let leave = sqlx::query("DELETE FROM instances WHERE id = $1").bind(self.id);
        if let Err(error) = db::ask(pool, async |session| leave.execute(session).await).await {
            tracing::debug!(%error, "that this instance has gone could not be told");
        }
    }

    async fn say(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let say = sqlx::query(
            "WITH forgotten AS (
                 DELETE FROM instances WHERE seen_at < clock_timestamp() - make_interval(secs => $6) AND id <> $1
             )
             INSERT INTO instances (id, host, pid, command, version, started_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
                 ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        );
        let say = say.bind(self.id).bind(&self.host).bind(self.pid.cast_signed()).bind(&self.command);
        let say = say.bind(&self.version).bind(FORGOTTEN_AFTER_S);
        db::ask(pool, async |session| say.execute(session).await).await?;
        Ok(())
    }
}

/// The instances that were seen lately, the oldest first.
pub async fn seen(pool: &PgPool) -> Result<Vec<SeenInstance>, sqlx::Error> {
    db::read(pool, async |session| {
        let ask = sqlx::query_as(
            "SELECT id, host, pid, command, version, started_at, seen_at,
                    seen_at > clock_timestamp() - make_interval(secs => $1) AS lives
               FROM instances WHERE seen_at > clock_timestamp() - make_interval(secs => $2)
              ORDER BY started_at, id",
        );
        ask.bind(GONE_AFTER_S).bind(FORGOTTEN_AFTER_S).fetch_all(session).await
    })
    .await
}
