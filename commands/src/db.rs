//! How every session with PostgreSQL is set up, and how the schema is migrated.

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Encode, PgConnection, Postgres, Type};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The group role that carries every right of the program. Its login is a member.
pub const APP_ROLE: &str = "orders_app";

/// The group role that may read the schema `analytics`, and nothing else. Logins of people are members.
pub const ANALYST_ROLE: &str = "orders_analyst";

/// How long a caller waits for a pooled connection before the database counts as away.
const ACQUIRE_AT_MOST: Duration = Duration::from_secs(3);

/// How long a short question may take. A server that is frozen, or a host that is gone, keeps a connection open and
/// says nothing.
pub(crate) const ANSWER_AT_MOST: Duration = Duration::from_secs(5);

/// A connection that was idle this long is tried before it is used.
pub(crate) const TEST_AFTER_IDLE: Duration = Duration::from_secs(1);

/// The oldest server that the SQL of this program runs on.
pub const OLDEST_SERVER_MAJOR: i32 = 14;

/// Why a database can't be used. Each text is for the person who configured it, and holds no password.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL is not one of PostgreSQL.
    #[error("the database URL is not of the form postgres://user:password@host:port/database: {0}")]
    Url(#[source] sqlx::Error),
    /// No connection.
    #[error("PostgreSQL at {server} can't be reached: {source}")]
    Unreachable {
        /// Host and port, without credentials.
        server: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The server is older than [`OLDEST_SERVER_MAJOR`].
    #[error("PostgreSQL {found} is too old: {OLDEST_SERVER_MAJOR} or newer is needed")]
    TooOld {
        /// What the server says of itself.
        found: String,
    },
    /// A migration failed; the database is as before it.
    #[error("the database could not be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("PostgreSQL refused: {0}")]
    Sql(#[from] sqlx::Error),
    /// The same, of a statement that several waited for.
    #[error("PostgreSQL refused: {0}")]
    Shared(#[source] Arc<sqlx::Error>),
}

/// The options of a session: what a promise rests on is pinned here, whatever the role or the server has as default.
pub fn options(url: &str) -> Result<PgConnectOptions, DbError> {
    let options = PgConnectOptions::from_str(url).map_err(DbError::Url)?;
    Ok(options.application_name("orders").options([
        // Under `repeatable read` the log's lock would be taken with a snapshot from before it.
        ("default_transaction_isolation", "read\\ committed"),
        // An acknowledged command is on disk.
        ("synchronous_commit", "on"),
        // A client that vanished must not keep the log's lock for long.
        ("idle_in_transaction_session_timeout", "30s"),
        // Whoever hangs up, or has waited for long enough, leaves no statement behind that goes on for nobody.
        ("client_connection_check_interval", "1s"),
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        // The server's own default, whatever the role has: planned anew five times, then once for all where that is as
        // cheap.
        ("plan_cache_mode", "auto"),
        ("jit", "off"),
    ]))
}

/// A pool on `url`, with one connection made at once so that a wrong address shows here.
pub async fn connect(url: &str, max_connections: u32) -> Result<PgPool, DbError> {
    let options = options(url)?;
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_AT_MOST)
        // A round trip per acquire would double the cost of every small read under load. A connection that was idle may
        // be dead, and then the time does not matter.
        .test_before_acquire(false)
        .before_acquire(|session, about| {
            Box::pin(async move { Ok(about.idle_for < TEST_AFTER_IDLE || session.ping().await.is_ok()) })
        })
        .connect_with(options)
        .await
        .map_err(|source| DbError::Unreachable { server, source })?;
    check_version(&pool).await?;
    Ok(pool)
}

async fn check_version(pool: &PgPool) -> Result<(), DbError> {
    let version =
        sqlx::query_as("SELECT current_setting('server_version_num')::int, current_setting('server_version')");
    let (number, found): (i32, String) = ask(pool, async |session| version.fetch_one(session).await).await?;
    if number / 10_000 < OLDEST_SERVER_MAJOR {
        return Err(DbError::TooOld { found });
    }
    Ok(())
}

/// Brings the schema up to date. `owner_url` logs in as the role that owns the tables, not as the program's.
///
/// Several at once are safe: they wait for each other.
pub async fn migrate(owner_url: &str) -> Result<(), DbError> {
    let pool = connect(owner_url, 1).await?;
    let outcome = sqlx::migrate!("../migrations").run(&pool).await;
    pool.close().await;
    Ok(outcome?)
}

/// One column of many rows, to bind as an array that `unnest` makes rows of again.
///
/// Columns of the same rows are of one length, so `SELECT unnest($1), unnest($2)` sets them side by side. In a select
/// list PostgreSQL streams them; `FROM unnest($1, $2)` would first write each column to a store of its own, which for
/// the twenty columns of an order costs more than inserting them into the table.
pub fn column<'r, T, R>(rows: &'r [T], of: impl Fn(&'r T) -> R) -> Vec<R> {
    rows.iter().map(of).collect()
}

/// What `work` comes to, or [`timed_out`] when that takes longer than `at_most`.
pub(crate) async fn within<T>(at_most: Duration, work: impl Future<Output = T>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(at_most, work).await.map_err(|_elapsed| timed_out())
}

/// The error of a database that does not answer.
pub(crate) fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Whether the database did not answer in time.
pub(crate) fn is_timed_out(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

/// Asks a short question on a pooled session: an answer, or an error within seconds.
pub(crate) async fn ask<T, E: From<sqlx::Error>>(
    pool: &PgPool,
    question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    ask_on(acquire(pool).await?, ANSWER_AT_MOST, question).await
}

/// Carries out a statement that may take longer than a short question: an outcome, or an error within `at_most` and the
/// wait for a session. What became of a statement that took longer is not known.
pub async fn work<T, E: From<sqlx::Error>>(
    pool: &PgPool,
    at_most: Duration,
    statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    ask_on(acquire(pool).await?, at_most, statement).await
}

/// A pooled session, and how long it was waited for.
async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let asked = Instant::now();
    let session = pool.acquire().await;
    metrics::histogram!("orders_database_wait_seconds").record(asked.elapsed().as_secs_f64());
    session
}

/// Deletes what is over, so many rows at a time, until there is no more; returns how many that were. Of the statement
/// `$1` is `over`, and `$2` the most rows.
pub(crate) async fn sweep<T>(pool: &PgPool, delete: &'static str, over: T, rows: i64) -> Result<u64, sqlx::Error>
where
    T: for<'q> Encode<'q, Postgres> + Type<Postgres> + Copy + Send + 'static,
{
    let mut swept = 0;
    loop {
        let delete = sqlx::query(delete).bind(over).bind(rows);
        let deleted = ask(pool, async |session| delete.execute(session).await).await?.rows_affected();
        swept += deleted;
        if deleted < rows.unsigned_abs() {
            return Ok(swept);
        }
    }
}

/// Asks a short question that may be asked twice, as it changes nothing: an answer, or an error within seconds.
///
/// That a connection was cut while it waited in the pool (the server was started again, an administrator ended it) is
/// found out only by using it. Then the question is asked once more, on one that has answered just now.
pub async fn read<T, E: From<sqlx::Error>>(
    pool: &PgPool,
    question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Clone,
) -> Result<T, E> {
    let mut was_cut = false;
    let first = question.clone();
    let outcome = ask(pool, async |session| {
        let outcome = first(session).await;
        was_cut = outcome.is_err() && session.ping().await.is_err();
        outcome
    })
    .await;
    if was_cut {
        ask_on(within(ACQUIRE_AT_MOST, acquire_alive(pool)).await??, ANSWER_AT_MOST, question).await
    } else {
        outcome
    }
}

/// What time it is by the clock of the database. The times at which things were recorded are by it: how long ago that
/// was, the clock of this process can't say.
pub async fn now(pool: &PgPool) -> Result<DateTime<Utc>, sqlx::Error> {
    read(pool, async |session| sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(session).await).await
}

/// A pooled session that has answered just now. Those that do not are thrown away.
async fn acquire_alive(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    loop {
        let mut session = pool.acquire().await?;
        if session.ping().await.is_ok() {
            return Ok(session);
        }
        drop(session.detach());
    }
}

/// A pooled session in the midst of a statement. Dropped there, by a time-out of ours or of whoever waits, it is thrown
/// away: given back, it would keep its place in the pool for as long as the statement takes, or the server is silent.
struct InUse(Option<PoolConnection<Postgres>>);

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            drop(session.detach());
        }
    }
}

async fn ask_on<T, E: From<sqlx::Error>>(
    session: PoolConnection<Postgres>,
    at_most: Duration,
    question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut in_use = InUse(Some(session));
    let Some(session) = &mut in_use.0 else { return Err(timed_out().into()) };
    let outcome = within(at_most, question(session)).await?;
    // It has ended, so the session is as good as before.
    drop(in_use.0.take());
    outcome
}

/// Whether a statement failed without doubt: the server itself reported an `ERROR`, so its transaction is undone.
///
/// All else (a cut connection, a time-out, a `FATAL` on shutdown) may have come after the commit; so may what a proxy
/// in between reports of a connection (SQLSTATE class 08) or of a statement whose completion is unknown (40003).
pub fn surely_undone(error: &sqlx::Error) -> bool {
    use sqlx::postgres::{PgDatabaseError, PgSeverity};
    let sqlx::Error::Database(database) = error else { return false };
    database.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| {
        let in_doubt = error.code().starts_with("08") || error.code() == "40003";
        matches!(error.severity(), PgSeverity::Error) && !in_doubt
    })
}

/// Whether a statement was refused for what it carries, so that it will be refused for ever: data that can't be stored
/// (SQLSTATE class 22), a constraint (23), a size (54).
pub fn is_about_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    surely_undone(error) && code.is_some_and(|code| ["22", "23", "54"].contains(&code.get(..2).unwrap_or_default()))
}

/// The name of the unique constraint that a statement violated.
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    let database = error.as_database_error()?;
    if database.is_unique_violation() { database.constraint() } else { None }
}

/// Whether a statement failed because a migration changed what it was prepared for. Prepared anew, it works.
pub fn is_stale_plan(error: &sqlx::Error) -> bool {
    /// `feature_not_supported`: "cached plan must not change result type".
    const STALE_PLAN: &str = "0A000";
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == STALE_PLAN)
}
