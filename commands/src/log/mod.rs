//! The log: every event of every aggregate, in one order, in PostgreSQL.
//!
//! Positions are dense (1, 2, 3, …) and in commit order, so whoever has read up to N has seen all up to N, for ever.
//! That holds because an append takes the log's one lock before it takes positions, and keeps it until it commits.

mod append;
mod as_of;
mod epoch;
mod filter;
mod find;
mod heed;
mod history;
mod read;
mod recent;
mod stored;
mod streams;
mod times;
mod wake;
mod whole;

pub(crate) use append::{Appender, KeptAnswer, Outcome, Prepared, Proposal, Rebased, StreamId, Tip};
pub use as_of::{AsOf, Moment, MomentError};
pub use epoch::{LogEnd, NewEpoch, log_end, new_epoch};
pub use filter::{EventFilter, FilteredEvents};
pub use find::FoundPositions;
pub(crate) use stored::CommandMetadata;
pub use stored::{KeptEvent, ReadError, StoredEvent};
pub use whole::{EventKey, EventOutline, StreamPlace, TypedEvents};

use crate::db::{self, APP_ROLE, DbError};
use crate::meter::Meter;
use crate::start::StartError;
use chrono::{DateTime, Utc};
use domain::Position;
use domain::ids::EventId;
use history::History;
use recent::Recent;
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use streams::Streams;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Which log this is, and how often it was restored to an earlier point.
///
/// Kept beside every checkpoint: after a restore the same positions can come again with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogIdentity {
    /// Made with the schema.
    pub log_id: Uuid,
    /// 1 at first.
    pub epoch: u64,
}

/// Why the log can't be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database is away or refuses.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The tables are missing or of another version.
    #[error("the database has no tables of ours: run `orders migrate` with MIGRATION_DATABASE_URL of their owner")]
    NotMigrated,
    /// The login could change history.
    #[error(
        "{user} may change history, as it is {why}: connect as a login of its own, made by \
         `CREATE ROLE shop LOGIN PASSWORD '…' IN ROLE orders_app`"
    )]
    TooPowerful {
        /// The login's name.
        user: String,
        /// `a superuser` or `the owner of the tables`.
        why: &'static str,
    },
    /// The login lacks rights.
    #[error("{user} is no member of orders_app: `GRANT orders_app TO {user}`")]
    NotAMember {
        /// The login's name.
        user: String,
    },
    /// The database was taken back under a running program.
    #[error(
        "the history that this program knows, up to position {position}, is no longer the database's: it was restored \
         to an earlier point, or failed over to a server that lacked the last commits; start this program again, so \
         that it goes on from what is there"
    )]
    OtherHistory {
        /// The newest that was known.
        position: Position,
    },
    /// A projection or a consumer can't begin where it is declared to.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An event that this program can't read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(DbError::Sql(error))
    }
}

/// A handle on the log; cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    identity: LogIdentity,
    instance: Uuid,
    history: History,
    /// The newest position that this process knows to be there.
    head: watch::Sender<Position>,
    /// The news of changed products and categories.
    catalogue: watch::Sender<wake::CatalogueNews>,
    /// What this process appended and other processes have not been told yet.
    news: watch::Sender<wake::News>,
    /// What others told and this process has not looked at yet.
    hints: watch::Sender<heed::Hint>,
    recent: Recent,
    streams: Streams,
    meter: Meter,
}

impl Log {
    /// Opens the log on a pool of the program's login, and starts listening for what other processes append.
    ///
    /// Refuses a database that is not migrated and a login that could change history.
    pub async fn open(pool: PgPool, cancel: CancellationToken, tracker: &TaskTracker) -> Result<Self, LogError> {
        check_login(&pool).await?;
        let ask = sqlx::query_as("SELECT log_id, epoch FROM log_head");
        let (log_id, epoch): (Uuid, i64) = db::ask(&pool, async |session| ask.fetch_one(session).await).await?;
        let identity = LogIdentity { log_id, epoch: epoch.unsigned_abs() };
        let shared = Arc::new(Shared {
            streams: Streams::new(pool.clone()),
            pool,
            identity,
            instance: Uuid::now_v7(),
            history: History::default(),
            head: watch::Sender::new(Position::ORIGIN),
            catalogue: watch::Sender::default(),
            news: watch::Sender::new(wake::News::default()),
            hints: watch::Sender::default(),
            recent: Recent::default(),
            meter: Meter::default(),
        });
        let log = Self { shared };
        log.suspect_catalogue().await?;
        wake::start(&log, cancel, tracker);
        Ok(log)
    }

    /// The pool on which the program reads.
    pub fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// What commands came to in this process.
    pub fn meter(&self) -> &Meter {
        &self.shared.meter
    }

    /// Which log this is.
    pub fn identity(&self) -> LogIdentity {
        self.shared.identity
    }

    /// Names this run of the program, as the one that leads, for others.
    pub fn instance(&self) -> Uuid {
        self.shared.instance
    }

    /// The newest position that this process has found in the log, or appended. No I/O; may lag behind other processes'
    /// appends.
    pub fn known_head(&self) -> Position {
        *self.shared.head.borrow()
    }

    /// A watch on [`Log::known_head`].
    pub fn watch_head(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }

    /// A watch that changes when products or categories changed, here or in another process.
    pub(crate) fn watch_catalogue(&self) -> watch::Receiver<wake::CatalogueNews> {
        self.shared.catalogue.subscribe()
    }

    /// A position behind which no event of a product or category is known to this process: what was read of the
    /// catalogue at it, or beyond, still holds. No I/O. What this process appended counts at once; what others did as
    /// soon as PostgreSQL tells of it, and when it could not for a while, all up to then is taken for changed.
    pub fn catalogue_changed_at(&self) -> Position {
        self.shared.catalogue.borrow().at
    }

    /// The position of the last event, asked of PostgreSQL.
    pub async fn head(&self) -> Result<Position, LogError> {
        db::read(self.pool(), async |session| self.head_on(session).await).await
    }

    /// The same on a session of one's own: what it holds is the history that is known here.
    async fn head_on(&self, session: &mut PgConnection) -> Result<Position, LogError> {
        let seen = self.shared.history.newest()?;
        let found: Head = sqlx::query_as(
            "SELECT log.log_id, log.epoch, (SELECT event_id FROM events WHERE position = $1) AS known,
                    last.position, last.event_id
               FROM log_head AS log
               LEFT JOIN LATERAL (SELECT position, event_id FROM events ORDER BY position DESC LIMIT 1) AS last
                      ON true",
        )
        .bind(seen.position.as_i64())
        .fetch_one(session)
        .await?;
        self.shared.history.compare(seen, found.known)?;
        if (LogIdentity { log_id: found.log_id, epoch: found.epoch.unsigned_abs() }) != self.identity() {
            return Err(self.shared.history.give_up(seen));
        }
        let (Some(position), Some(event_id)) = (found.position, found.event_id) else { return Ok(Position::ORIGIN) };
        let head = Position::from_i64(position);
        self.shared.history.saw(head, EventId(event_id));
        self.heard_of(head);
        Ok(head)
    }

    /// The last position recorded before `time`.
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        let mut below = Position::ORIGIN;
        let mut above = self.head().await?.0 + 1;
        // recorded_at never runs backwards along position, so bisection over the position's index finds it.
        while below.0 + 1 < above {
            let middle = below.0 + (above - below.0) / 2;
            let recorded_at: DateTime<Utc> = db::read(self.pool(), async |session| {
                let ask = sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1");
                ask.bind(Position(middle).as_i64()).fetch_one(session).await
            })
            .await?;
            if recorded_at < time {
                below = Position(middle);
            } else {
                above = middle;
            }
        }
        Ok(below)
    }

    /// Refuses once the database was found to hold another history.
    fn check_history(&self) -> Result<(), LogError> {
        self.shared.history.newest().map(|_| ())
    }

    /// Takes note of a position that the log has reached, as this process read or wrote it itself.
    fn heard_of(&self, position: Position) {
        self.shared.head.send_if_modified(|head| {
            let newer = position > *head;
            if newer {
                *head = position;
            }
            newer
        });
    }
}

#[derive(sqlx::FromRow)]
struct Head {
    log_id: Uuid,
    epoch: i64,
    known: Option<Uuid>,
    position: Option<i64>,
    event_id: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct Login {
    name: String,
    superuser: bool,
    owner: bool,
    member: bool,
    migrated: bool,
}

/// A table's owner can disable its triggers and a superuser bypasses its grants, so neither may run the program.
async fn check_login(pool: &PgPool) -> Result<(), LogError> {
    let ask = sqlx::query_as(
        "SELECT session_user::text AS name,
                coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = session_user), false) AS superuser,
                coalesce((SELECT pg_has_role(session_user, relowner, 'MEMBER') FROM pg_class
                           WHERE oid = to_regclass('public.events')), false) AS owner,
                coalesce((SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false)
                    AS member,
                to_regclass('public.log_head') IS NOT NULL AS migrated",
    );
    let ask = ask.bind(APP_ROLE);
    let login: Login = db::ask(pool, async |session| ask.fetch_one(session).await).await?;
    match login {
        Login { migrated: false, .. } => Err(LogError::NotMigrated),
        Login { superuser: true, name, .. } => Err(LogError::TooPowerful { user: name, why: "a superuser" }),
        Login { owner: true, name, .. } => Err(LogError::TooPowerful { user: name, why: "the owner of the tables" }),
        Login { member: false, name, .. } => Err(LogError::NotAMember { user: name }),
        _ => Ok(()),
    }
}
