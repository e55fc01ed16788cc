//! How readers learn that there is something to read: a watch within the process, NOTIFY across processes, and a poll
//! as the backstop, as listeners lose messages when they reconnect. What comes by NOTIFY is looked up:
//! [`heed`](super::heed).

use super::heed::{CATALOGUE, Hint, heed};
use super::{Log, LogError};
use crate::db;
use crate::tasks::keep_running;
use domain::Position;
use sqlx::Executor;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The channel of NOTIFY. A message is a position, and [`CATALOGUE`] behind it, after a space, when the catalogue
/// changed.
const CHANNEL: &str = "orders_log";
/// At most one NOTIFY per this time: notifying commits wait for each other.
const NOTIFY_EVERY: Duration = Duration::from_millis(5);
/// How often the head is asked for when nothing was heard.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long to hear nothing before the connection is tried.
const SILENCE_AT_MOST: Duration = Duration::from_secs(30);
/// How long to wait before the next try to listen.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What this process appended since it last told the others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    head: Position,
    catalogue: bool,
}

impl Log {
    /// Wakes the readers of this process at once and those of others soon.
    pub(super) fn announce(&self, head: Position, catalogue_changed: bool) {
        self.heard_of(head);
        if catalogue_changed {
            self.catalogue_changed(head);
        }
        self.shared.news.send_if_modified(|news| {
            let newer = head > news.head;
            news.head = news.head.max(head);
            news.catalogue |= catalogue_changed;
            newer
        });
    }

    /// Notes that the catalogue changed somewhere up to `at`.
    pub(super) fn catalogue_changed(&self, at: Position) {
        self.shared.catalogue.send_modify(|changed| {
            changed.at = changed.at.max(at);
            changed.times = changed.times.wrapping_add(1);
        });
    }

    /// Takes the catalogue for changed, up to the head: what was told meanwhile may be lost.
    pub(super) async fn suspect_catalogue(&self) -> Result<(), LogError> {
        let head = self.head().await?;
        self.catalogue_changed(head);
        Ok(())
    }
}

/// How far the catalogue is known to have changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CatalogueNews {
    /// No event of the catalogue that this process has heard of is behind this position.
    pub(super) at: Position,
    /// Counts the news: two may be of the same position.
    times: u64,
}

/// Starts the tasks that tell and that listen. They end on `cancel`.
pub(super) fn start(log: &Log, cancel: CancellationToken, tracker: &TaskTracker) {
    let (tells, listens, heeds, polls) = (log.clone(), log.clone(), log.clone(), log.clone());
    keep_running("log_tell", cancel.clone(), tracker, move || tell(tells.clone()));
    keep_running("log_listen", cancel.clone(), tracker, move || listen(listens.clone()));
    keep_running("log_heed", cancel.clone(), tracker, move || heed(heeds.clone()));
    keep_running("log_poll", cancel, tracker, move || poll(polls.clone()));
}

async fn tell(log: Log) {
    let mut news = log.shared.news.subscribe();
    while news.changed().await.is_ok() {
        let mut told = News::default();
        log.shared.news.send_if_modified(|news| {
            told = *news;
            news.catalogue = false;
            false
        });
        let message = if told.catalogue { format!("{} {CATALOGUE}", told.head) } else { told.head.to_string() };
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(message);
        if let Err(error) = db::ask(log.pool(), async |session| notify.execute(session).await).await {
            tracing::debug!(%error, "other processes were not told of new events; their poll finds them");
            // That the catalogue changed, no poll finds: it is told with what is appended next.
            log.shared.news.send_if_modified(|news| {
                news.catalogue |= told.catalogue;
                false
            });
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

async fn listen(log: Log) {
    loop {
        if let Err(error) = listen_once(&log).await {
            tracing::debug!(%error, "not listening for new events; polling goes on");
        }
        tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
    }
}

async fn listen_once(log: &Log) -> Result<(), LogError> {
    let mut listener = PgListener::connect_with(log.pool()).await?;
    db::within(db::ANSWER_AT_MOST, listener.listen(CHANNEL)).await??;
    log.suspect_catalogue().await?;
    loop {
        let Ok(message) = db::within(SILENCE_AT_MOST, listener.try_recv()).await else {
            // A host that is gone is as silent as a shop at night.
            db::within(db::ANSWER_AT_MOST, listener.execute("SELECT 1")).await??;
            continue;
        };
        // What was sent while the connection was lost is for the poll to find.
        let Some(message) = message? else { return Ok(()) };
        if let Some(hint) = Hint::of(message.payload()) {
            log.told(hint);
        }
    }
}

async fn poll(log: Log) {
    loop {
        tokio::time::sleep(POLL_EVERY).await;
        if let Err(error) = log.head().await {
            tracing::debug!(%error, "the head of the log could not be asked for");
        }
    }
}
