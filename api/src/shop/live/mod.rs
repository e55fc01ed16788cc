//! Orders as they change: a page that is open follows its order by WebSocket (RFC 6455), in each tab and through any
//! process.
//!
//! - [`hub`]: who is connected, in groups. [`follow`]: fetches news for all of them, from the log and the tables.
//! - [`news`]: what there is to tell. [`shown`], [`cursor`]: what one browser knows already, and where it goes on.
//! - [`upgrade`], [`access`], [`holder`]: who is let in. [`socket`], [`frames`]: one connection, and what is said on
//!   it. [`now`]: how things are.
//! - [`write`]: messages about an order, by socket and by form. [`panel`]: the part of the page that shows all of it.
//!
//! See `docs/decisions/0018-live-status.md`.

mod access;
mod cursor;
mod follow;
mod frames;
mod holder;
mod hub;
mod mails;
mod news;
mod now;
pub(super) mod panel;
mod settings;
mod shown;
mod socket;
mod upgrade;
mod write;

pub use cursor::Cursor;
pub use frames::Asked;
pub(crate) use frames::Frames;
pub use hub::{Badge, Close, Full, Group, Hub, Seat};
pub use news::{Change, Happened, Mail, News};
pub use settings::LiveSettings;

use crate::http::{Produces, Routes};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use commands::Log;
use commands::messages::{self, Message, MessageError, NewMessage};
use mails::Mails;
use std::sync::Arc;
use tokio::sync::Notify;

/// The paths of what changes while one looks.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.route("/orders/{id}/live", Produces::Html, get(upgrade::handle)).route(
        "/orders/{id}/messages/",
        Produces::Html,
        post(write::handle),
    )
}

/// What all sockets of a process share. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    log: Log,
    settings: LiveSettings,
    hub: Hub,
    mails: Mails,
    posted: Notify,
}

impl Live {
    /// Without anybody. No I/O; whoever serves also runs [`Live::follow`].
    pub fn new(log: Log, settings: LiveSettings) -> Self {
        let (hub, mails, posted) = (Hub::new(settings), Mails::default(), Notify::new());
        Self(Arc::new(Shared { log, settings, hub, mails, posted }))
    }

    /// Who is connected.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// Writes a message about an order, and has all who watch it told, those behind the counter too; through other
    /// processes within about a second. Says whether it is new: the same again is the one that there is.
    pub async fn write(&self, message: &NewMessage<'_>, now: DateTime<Utc>) -> Result<(Message, bool), MessageError> {
        let written = messages::write(self.0.log.pool(), message, now).await?;
        self.0.posted.notify_one();
        Ok(written)
    }

    fn log(&self) -> &Log {
        &self.0.log
    }

    fn settings(&self) -> &LiveSettings {
        &self.0.settings
    }

    fn mails(&self) -> &Mails {
        &self.0.mails
    }

    /// Returns when this process wrote a message.
    async fn posted(&self) {
        self.0.posted.notified().await;
    }
}
