//! HTTP: what every request goes through, and what requests are made of. The resources themselves are in [`v1`].
//!
//! [`v1`]: crate::v1

mod admission;
pub mod body;
pub mod conditions;
pub mod context;
mod delivery;
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
pub(crate) use delivery::{coding, of_bytes};
pub(crate) use limit::Limiter;
pub use limit::RateLimit;
pub use negotiate::Produces;
pub use panics::log_panics;
pub use request_id::{REQUEST_ID, RequestId};
pub(crate) use routes::Routes;
pub(crate) use server::ConnectionPlace;
pub use server::{ServeError, Server, ServerSettings};

use crate::auth::Keys;
use crate::health::Readiness;
use crate::payments::{self, PaymentSettings, Payments};
use crate::shared::{Shared, SharedSettings};
use crate::shop::members::Desk;
use crate::shop::{Frame, Live, LiveSettings, SessionSettings, Shelves, ShopSettings};
use axum::Router;
use commands::shop::links::LinkKey;
use commands::{Gateway, Log};
use projections::Views;
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};

/// The most requests that are worked on at once. The surplus is answered 503 at once, which costs next to nothing.
pub const DEFAULT_MAX_REQUESTS: usize = 1_024;
/// The most bytes that the bodies of all requests take together. The surplus is answered 503.
pub const DEFAULT_MAX_BODY_BYTES: usize = 64 << 20;
/// A visitor may correct a form a few times in a row.
const CHECKOUTS: RateLimit = RateLimit { per_second: 0.2, burst: 10 };
/// A customer may add to what was just written a few times in a row.
const MESSAGES: RateLimit = RateLimit { per_second: 0.1, burst: 5 };
/// How many exports of the history are under way at once; each holds a chunk in memory.
pub const DEFAULT_MAX_EXPORTS: usize = 64;

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
    /// What the pages show.
    pub shop: ShopSettings,
    /// How long visits go on.
    pub sessions: SessionSettings,
    /// The bounds of sockets.
    pub live: LiveSettings,
    /// How payments are made.
    pub payments: PaymentSettings,
    /// What processes share sessions and the catalogue through.
    pub shared: SharedSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_requests: DEFAULT_MAX_REQUESTS,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            max_exports: DEFAULT_MAX_EXPORTS,
            rate_limit: None,
            shop: ShopSettings::default(),
            sessions: SessionSettings::default(),
            live: LiveSettings::default(),
            payments: PaymentSettings::default(),
            shared: SharedSettings::default(),
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
    /// From an order to a payment provider, and back.
    pub payments: Payments,
    /// What processes share. Whoever serves also runs [`Shared::keep_connected`].
    pub shared: Shared,
    /// The catalogue as pages show it.
    pub(crate) shelves: Shelves,
    /// What pages have in common.
    pub(crate) frame: Frame,
    /// What the pages of accounts work with.
    pub(crate) members: Desk,
    pub(crate) limiter: Limiter,
    /// How often one visitor may try to place an order.
    pub(crate) checkouts: Limiter,
    /// How often a customer may write about one order.
    pub(crate) messages: Limiter,
    /// How often payment providers may tell something.
    pub(crate) notices: Limiter,
    link_key: OnceCell<LinkKey>,
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
        let (frame, checkouts) = (Frame::new(settings.shop.clone()), Limiter::new(Some(CHECKOUTS)));
        let (link_key, notices) = (OnceCell::new(), Limiter::new(Some(payments::NOTICES)));
        let (pool, clock) = (log.pool().clone(), settings.sessions.clock.clone());
        let members = Desk::new(pool.clone(), clock.clone());
        let payments = Payments::new(gateway.clone(), pool, settings.payments.clone(), &settings.shop, clock);
        let shared = Shared::new(&settings.shared, log.identity());
        let shelves = Shelves::new(log.clone(), views.clone(), shared.clone());
        Self {
            gateway,
            log,
            views,
            keys,
            readiness,
            live,
            payments,
            shared,
            shelves,
            frame,
            members,
            limiter,
            checkouts,
            messages,
            notices,
            link_key,
            exports,
            settings,
        }
    }

    /// What may be tuned.
    pub(crate) fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// What links to orders are signed with. Read once.
    pub(crate) async fn link_key(&self) -> Result<&LinkKey, sqlx::Error> {
        self.link_key.get_or_try_init(|| LinkKey::load(self.log.pool())).await
    }

    /// Every route: `/v1`, the pages, and what is open to all.
    pub fn router(self) -> Router {
        // Installed before anything is counted.
        crate::metrics::recorder();
        let routes = Routes::new(self.settings.max_requests, self.settings.max_body_bytes, self.frame.clone());
        let routes = payments::webhook::routes(crate::shop::routes(crate::v1::routes(routes)));
        open::routes(routes).into_router(Arc::new(self))
    }
}
