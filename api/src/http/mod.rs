//! HTTP: what every request goes through, and what requests are made of. The resources themselves are in [`v1`].
//!
//! [`v1`]: crate::v1

mod admission;
pub mod body;
pub mod conditions;
pub mod context;
mod edge;
pub mod idempotency;
mod limit;
mod negotiate;
mod open;
mod open_files;
mod panics;
pub mod query;
mod request_id;
mod routes;
mod server;
pub mod timing;

pub use admission::Place;
pub(crate) use admission::overloaded;
pub use limit::RateLimit;
pub use negotiate::Produces;
pub use panics::log_panics;
pub use request_id::{REQUEST_ID, RequestId};
pub(crate) use routes::Routes;
pub(crate) use server::ConnectionPlace;
pub use server::{ServeError, Server, ServerSettings};

use crate::auth::Keys;
use crate::health::Readiness;
use crate::shop::{Frame, Live, LiveSettings, ShopSettings};
use axum::Router;
use commands::{Gateway, Log};
use limit::Limiter;
use projections::Views;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The most requests that are worked on at once. The surplus is answered 503 at once, which costs next to nothing.
pub const DEFAULT_MAX_REQUESTS: usize = 1_024;
/// The most bytes that the bodies of all requests take together. The surplus is answered 503.
pub const DEFAULT_MAX_BODY_BYTES: usize = 64 << 20;
/// How many exports of the history are under way at once; each holds a chunk in memory.
pub const DEFAULT_MAX_EXPORTS: usize = 64;

/// A customer may add to what was just written a few times in a row.
const MESSAGES: RateLimit = RateLimit { per_second: 0.1, burst: 5 };

/// What may be tuned.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSettings {
    /// The most requests under `/v1` and for pages that are worked on at once.
    pub max_requests: usize,
    /// The most bytes of their bodies, those included that are still on their way.
    pub max_body_bytes: usize,
    /// The most exports of the history under way at once.
    pub max_exports: usize,
    /// How often one API key may ask; off by default.
    pub rate_limit: Option<RateLimit>,
    /// The bounds of sockets.
    pub live: LiveSettings,
    /// What the pages show.
    pub shop: ShopSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_requests: DEFAULT_MAX_REQUESTS,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            max_exports: DEFAULT_MAX_EXPORTS,
            rate_limit: None,
            live: LiveSettings::default(),
            shop: ShopSettings::default(),
        }
    }
}

/// All that the handlers work with.
pub struct App {
    /// The way in for commands.
    pub gateway: Gateway,
    /// The log, for reading history.
    pub log: Log,
    /// The read models.
    pub views: Views,
    /// Who may do what.
    pub keys: Keys,
    /// What this process needs for its own roles.
    pub readiness: Readiness,
    /// Who follows orders as they change. Whoever serves also runs [`Live::follow`].
    pub live: Live,
    /// How often a customer may write about one order.
    pub(crate) messages: Limiter,
    /// What pages have in common.
    pub(crate) frame: Frame,
    pub(crate) limiter: Limiter,
    /// A place for each export of the history: its answer goes on long after the request gave up its own.
    pub(crate) exports: Arc<Semaphore>,
    settings: HttpSettings,
}

impl App {
    /// Puts the parts together. No I/O.
    pub fn new(gateway: Gateway, log: Log, views: Views, readiness: Readiness, settings: HttpSettings) -> Self {
        let keys = Keys::new(log.pool().clone());
        let (live, messages) = (Live::new(log.clone(), settings.live), Limiter::new(Some(MESSAGES)));
        let (limiter, exports) = (Limiter::new(settings.rate_limit), Arc::new(Semaphore::new(settings.max_exports)));
        let frame = Frame::new(settings.shop.clone());
        Self { gateway, log, views, keys, readiness, live, messages, frame, limiter, exports, settings }
    }

    /// Every route: `/v1`, the pages, and what is open to all.
    pub fn router(self) -> Router {
        // Installed before anything is counted.
        crate::metrics::recorder();
        let routes = Routes::new(self.settings.max_requests, self.settings.max_body_bytes, self.frame.clone());
        let routes = crate::shop::routes(crate::v1::routes(routes));
        open::routes(routes).into_router(Arc::new(self))
    }
}
