//! One instance leads, the others stand by: by a lease, a row that whoever leads renews.
//!
//! Leading saves work and noise, no more: what a leader writes is guarded by compare-and-set on its checkpoint, or by
//! Kafka's fencing, so that two leaders at once do no harm. A leader that ends in order sets its lease free; one that
//! is killed, frozen or cut off loses it by the database's clock.

use crate::db::{self, DbError};
use crate::log::Log;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// How long a lease lasts. Whoever leads and vanishes is followed when it has run out.
const LEASE: Duration = Duration::from_millis(2_400);
/// A lease that would last longer than this was taken before the database's clock was set back, and binds nobody: else
/// nobody would lead until the clock is where it was.
const LONGEST: Duration = Duration::from_millis(4_800);
/// How often it is renewed: one renewal may fail.
const RENEW_EVERY: Duration = Duration::from_millis(800);
/// How often a standby looks whether the lead is free, at least: one that is set free is taken over within this.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How soon it looks again at most.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The lead in something, held until it is released or lost.
#[derive(Debug)]
pub struct Lead {
    lease: Lease,
    lost: CancellationToken,
    renewing: AbortOnDropHandle<()>,
}

/// Whose lead in what, and for the how many-th time.
#[derive(Debug, Clone)]
struct Lease {
    pool: PgPool,
    name: String,
    holder: Uuid,
    token: i64,
}

impl Lead {
    /// Waits until nobody else leads in `name`; an error when the database does not answer. Cancel safe: drop the
    /// future to stop waiting.
    pub async fn acquire(log: &Log, name: &str) -> Result<Self, DbError> {
        let pool = log.pool();
        loop {
            // Only looks at first: to try and fail would write, as it locks the row.
            let held_for = held_for(pool, name).await?;
            if held_for.is_zero() {
                let asked = Instant::now();
                if let Some(token) = take(pool, name, log.instance()).await? {
                    let lease = Lease { pool: pool.clone(), name: name.to_owned(), holder: log.instance(), token };
                    return Ok(Self::hold(lease, asked));
                }
            }
            tokio::time::sleep(held_for.clamp(LOOK_AGAIN, LOOK_EVERY)).await;
        }
    }

    fn hold(lease: Lease, asked: Instant) -> Self {
        let lost = CancellationToken::new();
        let (renewed, told) = (lease.clone(), lost.clone());
        let renewing = tokio::spawn(async move {
            renewed.keep(asked).await;
            told.cancel();
        });
        Self { lease, lost, renewing: AbortOnDropHandle::new(renewing) }
    }

    /// Returns once the lead is lost: another has it, or may have it by now.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// How often the lead was taken until now, this time included.
    pub fn token(&self) -> u64 {
        self.lease.token.unsigned_abs()
    }

    /// Sets the lead free, so that the next need not wait for the lease to run out. Where the database is away, that is
    /// what it does.
    pub async fn release(self) {
        let Self { lease, renewing, .. } = self;
        drop(renewing);
        let end =
            sqlx::query("UPDATE leases SET until = clock_timestamp() WHERE name = $1 AND holder = $2 AND token = $3");
        let end = end.bind(&lease.name).bind(lease.holder).bind(lease.token);
        if let Err(error) = db::ask(&lease.pool, async |session| end.execute(session).await).await {
            tracing::info!(name = lease.name, %error, "a lead could not be set free: its lease runs out");
        }
    }
}

impl Lease {
    /// Renews the lease until it is another's, or was not renewed for as long as it lasts.
    async fn keep(&self, asked: Instant) {
        let mut ends = asked + LEASE;
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let asked = Instant::now();
            match tokio::time::timeout_at(ends, self.renew()).await {
                Ok(Ok(true)) => ends = asked + LEASE,
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::info!(name = self.name, %error, "a lease could not be renewed");
                    if Instant::now() >= ends {
                        return;
                    }
                }
                Err(_elapsed) => return,
            }
        }
    }

    /// `false` when it has run out, and another may have it. Its commit waits for no flush: a renewal that a crash of
    /// PostgreSQL takes back costs the lead, and nothing else. Set in the statement itself, a transaction of its own.
    async fn renew(&self) -> Result<bool, sqlx::Error> {
        let renew = sqlx::query(
            "UPDATE leases SET until = clock_timestamp() + make_interval(secs => $4)
              WHERE name = $1 AND holder = $2 AND token = $3 AND until > clock_timestamp()
                AND set_config('synchronous_commit', 'off', true) = 'off'",
        );
        let renew = renew.bind(&self.name).bind(self.holder).bind(self.token).bind(LEASE.as_secs_f64());
        let done = db::ask(&self.pool, async |session| renew.execute(session).await).await?;
        Ok(done.rows_affected() == 1)
    }
}

/// For how long the lead is another's still, if nobody renews the lease; zero where it is free, or said to be held for
/// longer than any lease: then the database's clock was set back.
async fn held_for(pool: &PgPool, name: &str) -> Result<Duration, sqlx::Error> {
    let seconds: Option<f64> = db::read(pool, async |session| {
        let ask = sqlx::query_scalar(
            "SELECT extract(epoch FROM until - clock_timestamp())::double precision FROM leases WHERE name = $1",
        );
        ask.bind(name).fetch_optional(session).await
    })
    .await?;
    // What has run out is below zero.
    let held_for = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(held_for.filter(|held_for| *held_for <= LONGEST).unwrap_or_default())
}

/// Takes the lead if it is free; gives the token.
async fn take(pool: &PgPool, name: &str, holder: Uuid) -> Result<Option<i64>, sqlx::Error> {
    let take = sqlx::query_scalar(
        "INSERT INTO leases AS l (name, holder, token, until, since)
         VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3), clock_timestamp())
             ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, token = l.token + 1, until = excluded.until, since = excluded.since
          WHERE l.until <= clock_timestamp() OR l.until > clock_timestamp() + make_interval(secs => $4)
         RETURNING token",
    );
    let take = take.bind(name).bind(holder).bind(LEASE.as_secs_f64()).bind(LONGEST.as_secs_f64());
    db::ask(pool, async |session| take.fetch_optional(session).await).await
}

/// A lease that is held at this moment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldLease {
    /// What is led.
    pub name: String,
    /// The instance that leads.
    pub holder: Uuid,
    /// How often the lead was taken until now.
    pub token: i64,
    /// Since when this holder leads.
    pub since: DateTime<Utc>,
}

/// Who leads in what at this moment, by name.
pub async fn held(pool: &PgPool) -> Result<Vec<HeldLease>, sqlx::Error> {
    db::read(pool, async |session| {
        let ask = "SELECT name, holder, token, since FROM leases WHERE until > clock_timestamp() ORDER BY name";
        sqlx::query_as(ask).fetch_all(session).await
    })
    .await
}
