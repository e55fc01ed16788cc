//! Keeps a connection to Redis while there is one to be had.

use super::link::{CONNECT_AT_MOST, Link, LinkError, Trouble};
use super::{Inner, Shared};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The pause before the first new try; each is twice the one before.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(5);

impl Shared {
    /// Connects, and again whenever the connection was lost, until `cancel`.
    pub async fn keep_connected(&self, cancel: CancellationToken) {
        if let Some(inner) = &self.0 {
            cancel.run_until_cancelled(inner.keep_connected()).await;
        }
    }
}

impl Inner {
    async fn keep_connected(&self) {
        let connected = metrics::gauge!("orders_redis_connected");
        loop {
            connected.set(0.0);
            let link = self.connect().await;
            self.link.store(Some(Arc::clone(&link)));
            // What was changed between the last look and now, and found no connection to say so on.
            if let Err(error) = self.forget_unsaid(&link).await {
                self.lose(&link, &error);
            } else {
                connected.set(1.0);
                tracing::info!("Redis answers");
            }
            // One that is told while nobody waits is kept.
            self.lost.notified().await;
        }
    }

    async fn connect(&self) -> Arc<Link> {
        let (mut pause, mut told) = (AGAIN_AFTER, String::new());
        loop {
            match self.connect_once().await {
                Ok(link) => return Arc::new(link),
                Err(error) => {
                    // A server that is away for long is told of once.
                    let error = error.to_string();
                    if error != told {
                        tracing::warn!(%error, "Redis can't be used; going on without it, and trying again");
                        told = error;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN_AFTER_AT_MOST);
        }
    }

    /// A connection on which all that was to be forgotten meanwhile is.
    async fn connect_once(&self) -> Result<Link, LinkError> {
        let link = Link::open(self).await?;
        self.forget_unsaid(&link).await?;
        Ok(link)
    }

    async fn forget_unsaid(&self, link: &Link) -> Result<(), LinkError> {
        for session in self.unsaid_sessions()? {
            let forgotten = link.ask::<()>(&link.forget_session(&session), CONNECT_AT_MOST).await;
            match forgotten {
                Ok(()) => self.said(&session),
                Err(Trouble::Refused(error)) => return Err(error.into()),
                Err(Trouble::Silent(_)) => return Err(LinkError::Silent),
            }
        }
        Ok(())
    }
}
