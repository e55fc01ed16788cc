//! That the server is about to stop, for answers that would go on for ever.

use axum::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;
use tokio_util::sync::CancellationToken;

/// Known to every request of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopping(CancellationToken);

impl Stopping {
    pub(super) const fn of(stopping: CancellationToken) -> Self {
        Self(stopping)
    }

    /// Whether it is time to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }

    /// What `work` comes to; `None` when it is time to end before.
    pub(crate) async fn run_until<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.run_until_cancelled(work).await
    }
}

/// A request that came by no server never hears of its stop.
impl<S: Sync> FromRequestParts<S> for Stopping {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
