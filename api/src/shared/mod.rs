//! What processes share through Redis: guests' sessions, and the catalogue as pages show it.
//!
//! PostgreSQL is the place of truth. Redis holds copies for seconds, and may lose them, be full, hang or be gone: then
//! PostgreSQL is asked, as it is without any Redis. While Redis does not answer it is not asked at all, so that a
//! hanging one costs a request next to nothing; one task ([`Shared::keep_connected`]) looks whether it is back.
//!
//! - [`link`]: the connection, and what is under its keys. [`sessions`], [`catalogue`]: what is kept there.
//!
//! See `docs/decisions/0025-edge.md`.

mod catalogue;
mod keep;
mod link;
mod sessions;

pub(crate) use catalogue::Copy;
pub(crate) use sessions::Sought;

use crate::settings::SettingsError;
use arc_swap::ArcSwapOption;
use commands::LogIdentity;
use link::Link;
use redis::{Client, Cmd, FromRedisValue};
use sessions::Unsaid;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a request waits for Redis. One that waited this long is the last to do so, until Redis is found to answer
/// again.
const ANSWER_AT_MOST: Duration = Duration::from_millis(100);

/// Which Redis; none unless it is set.
#[derive(Clone, Default)]
pub struct SharedSettings(Option<Client>);

impl SharedSettings {
    /// Reads a URL: `redis://`, `rediss://` (TLS) or `unix://`. Connects nowhere yet.
    pub fn parse(url: &str) -> Result<Self, SettingsError> {
        let client = Client::open(url).map_err(|_| SettingsError::Redis)?;
        Ok(Self(Some(client)))
    }
}

impl fmt::Debug for SharedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "SharedSettings(…)" } else { "SharedSettings(none)" })
    }
}

impl PartialEq for SharedSettings {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_none() && other.0.is_none()
    }
}

/// What this process shares with others; nothing where there is no Redis. Cheap to clone.
#[derive(Clone)]
pub struct Shared(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    /// Which log the copies are of: those of another, or from before a restore, are under other keys.
    log: LogIdentity,
    /// `None` while Redis does not answer.
    link: ArcSwapOption<Link>,
    lost: Notify,
    unsaid: Mutex<Unsaid>,
}

impl Shared {
    /// Of these settings. No I/O; whoever serves also runs [`Shared::keep_connected`].
    pub fn new(settings: &SharedSettings, log: LogIdentity) -> Self {
        let inner = settings.0.clone().map(|client| {
            let (link, lost, unsaid) = (ArcSwapOption::empty(), Notify::new(), Mutex::default());
            Arc::new(Inner { client, log, link, lost, unsaid })
        });
        Self(inner)
    }

    /// Whether there is a Redis to share through, be it away or not.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it answers, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.link.load().is_some())
    }
}

impl Inner {
    /// Asks Redis; `None` when it does not answer, or refuses.
    async fn ask<T: FromRedisValue>(&self, command: impl FnOnce(&Link) -> Cmd) -> Option<T> {
        let link = self.link.load_full()?;
        match link.ask(&command(&link), ANSWER_AT_MOST).await {
            Ok(answer) => Some(answer),
            Err(link::Trouble::Refused(error)) => {
                tracing::debug!(%error, "Redis refused");
                None
            }
            Err(link::Trouble::Silent(error)) => {
                self.lose(&link, &error);
                None
            }
        }
    }

    /// Asks no more, until a new connection is made.
    fn leave(&self) {
        if let Some(link) = self.link.load_full() {
            self.lose(&link, &"a session could not be taken away from it");
        }
    }

    /// Asks no more on this connection.
    fn lose(&self, link: &Arc<Link>, error: &dyn fmt::Display) {
        let before = self.link.compare_and_swap(link, None);
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, link)) {
            tracing::warn!(%error, "Redis does not answer; going on without it until it does");
            self.lost.notify_one();
        }
    }
}
