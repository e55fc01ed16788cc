//! The server as a whole: its settings, what its handlers work with, and all its routes.

pub use crate::v1::events::{FollowSettings, LookSettings};

use crate::admin::{Console, StaffDesk};
use crate::auth::Keys;
use crate::health::Readiness;
use crate::http::{self, AddressLimits, Limiter, Produces, RateLimit, Routes, Source};
use crate::ops::steering::Steering;
use crate::ops::{Monitor, monitor};
use crate::payments::{self, PaymentSettings, Payments};
use crate::pictures::Pictures;
use crate::shared::{Shared, SharedSettings};
use crate::shop::members::Desk;
use crate::shop::{Frame, Live, LiveSettings, SessionSettings, Shelves, ShopSettings};
use crate::v1::events::looks::Looks;
use crate::v1::{DeadLetters, PastTotals};
use axum::Router;
use commands::shop::links::LinkKey;
use commands::{Gateway, Log};
use consumers::KafkaSettings;
use ipnet::IpNet;
use projections::Views;
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most requests that are worked on at once. The surplus is answered 503 at once, which costs next to nothing.
pub const DEFAULT_MAX_REQUESTS: usize = 1_024;
/// The most bytes that the bodies of all requests take together. The surplus is answered 503.
pub const DEFAULT_MAX_BODY_BYTES: usize = 64 << 20;
/// A visitor may correct a form a few times in a row.
const CHECKOUTS: RateLimit = RateLimit { per_second: 0.2, burst: 10 };
/// A customer may add to what was just written a few times in a row.
const MESSAGES: RateLimit = RateLimit { per_second: 0.1, burst: 5 };
/// How many exports of the history are under way at once; each holds a chunk in memory, and the positions of what it
/// holds still.
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
    /// The bounds of those who follow the history.
    pub follow: FollowSettings,
    /// The bounds of looking through the history.
    pub look: LookSettings,
    /// The most events that a read of an earlier moment goes through.
    pub max_as_of_events: u64,
    /// The most lists and totals of earlier moments made at once.
    pub max_as_of: usize,
    /// The most orders of earlier moments looked up at once.
    pub max_as_of_orders: usize,
    /// How often one API key may ask; off by default.
    pub rate_limit: Option<RateLimit>,
    /// How often one address may do what anybody may; on by default.
    pub address_limits: AddressLimits,
    /// The networks of the proxies before us, whose word is taken for where a request comes from; none by default.
    pub trusted_proxies: Vec<IpNet>,
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
            follow: FollowSettings::default(),
            look: LookSettings::default(),
            max_as_of_events: crate::v1::MAX_AS_OF_EVENTS,
            max_as_of: crate::v1::MAX_AS_OF_AT_ONCE,
            max_as_of_orders: crate::v1::MAX_AS_OF_ORDERS_AT_ONCE,
            rate_limit: None,
            address_limits: AddressLimits::default(),
            trusted_proxies: Vec::new(),
            shop: ShopSettings::default(),
            sessions: SessionSettings::default(),
            live: LiveSettings::default(),
            payments: PaymentSettings::default(),
            shared: SharedSettings::default(),
        }
    }
}

/// The template of each path that is served, such as `/v1/orders/{id}`, and what it answers with. A path answers 405
/// with `Allow` to a method that it does not take.
pub fn paths() -> Vec<(&'static str, Produces)> {
    let settings = HttpSettings::default();
    let frame = Frame::new(settings.shop.clone());
    routes(&settings, frame).into_paths()
}

fn routes(settings: &HttpSettings, frame: Frame) -> Routes {
    // Installed before anything is counted.
    crate::metrics::recorder();
    let routes = Routes::new(settings.max_requests, settings.max_body_bytes, frame);
    let routes = crate::admin::routes(crate::shop::routes(crate::v1::routes(routes)));
    let routes = payments::webhook::routes(routes);
    http::open::routes(crate::openapi::routes(crate::schemas::routes(routes)))
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
    /// How the system is. Whoever serves also runs [`Monitor::run`].
    pub monitor: Monitor,
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
    /// Takes pictures of products.
    pub(crate) pictures: Pictures,
    /// What the log-in of staff works with.
    pub(crate) staff: StaffDesk,
    /// Who watches the console.
    pub(crate) console: Console,
    pub(crate) limiter: Limiter,
    /// How often one visitor may try to place an order.
    pub(crate) checkouts: Limiter,
    /// How often all visitors of one address may.
    pub(crate) checkouts_by_address: Limiter<Source>,
    /// How often visitors of one address may begin a session.
    pub(crate) sessions: Limiter<Source>,
    /// How often a customer may write about one order.
    pub(crate) messages: Limiter,
    /// How often somebody may tell something as a payment provider.
    pub(crate) notices: Limiter<Source>,
    /// How often it may turn out that it was none.
    pub(crate) forgeries: Limiter<Source>,
    link_key: OnceCell<LinkKey>,
    /// A place for each export of the history: its answer goes on long after the request gave up its own.
    pub(crate) exports: Arc<Semaphore>,
    /// A place for each who follows the history.
    pub(crate) followers: Arc<Semaphore>,
    /// A place for each statement that looks through the history.
    pub(crate) looks: Looks,
    /// A place for each list and totals of an earlier moment that is being made.
    pub(crate) as_of: Arc<Semaphore>,
    /// A place for each order of an earlier moment that is looked up.
    pub(crate) as_of_orders: Arc<Semaphore>,
    /// Totals of earlier moments that were asked for lately.
    pub(crate) past_totals: PastTotals,
    /// Where dead letters are read.
    pub(crate) dead_letters: DeadLetters,
    /// Carries out what a person orders that takes long.
    pub(crate) steering: Steering,
    settings: HttpSettings,
}

impl App {
    /// Puts the parts together. No I/O.
    pub fn new(gateway: Gateway, log: Log, views: Views, readiness: Readiness, settings: HttpSettings) -> Self {
        let keys = Keys::new(log.pool().clone());
        let monitor = Monitor::new(log.clone(), readiness.clone(), monitor::DEFAULT_PATIENCE);
        let (live, messages) = (Live::new(log.clone(), settings.live), Limiter::new(Some(MESSAGES)));
        let (limiter, exports) = (Limiter::new(settings.rate_limit), Arc::new(Semaphore::new(settings.max_exports)));
        let followers = Arc::new(Semaphore::new(settings.follow.max_followers));
        let looks = Looks::new(log.clone(), settings.look);
        let (frame, checkouts) = (Frame::new(settings.shop.clone()), Limiter::new(Some(CHECKOUTS)));
        let by_address = settings.address_limits;
        let (notices, forgeries) = (Limiter::new(Some(by_address.notices)), Limiter::new(Some(by_address.forgeries)));
        let checkouts_by_address = Limiter::new(Some(by_address.checkouts));
        let sessions = Limiter::new(Some(by_address.sessions));
        let (pool, clock) = (log.pool().clone(), settings.sessions.clock.clone());
        let (members, staff) = (Desk::new(pool.clone(), clock.clone(), by_address), StaffDesk::new(by_address));
        let pictures = Pictures::new(settings.shop.media.clone());
        let payments = Payments::new(gateway.clone(), pool, settings.payments.clone(), &settings.shop, clock);
        let shared = Shared::new(&settings.shared, log.identity());
        let shelves = Shelves::new(log.clone(), views.clone(), shared.clone());
        Self {
            gateway,
            log,
            views,
            keys,
            readiness,
            monitor,
            live,
            payments,
            shared,
            shelves,
            frame,
            members,
            pictures,
            staff,
            console: Console::new(),
            limiter,
            checkouts,
            checkouts_by_address,
            sessions,
            messages,
            notices,
            forgeries,
            link_key: OnceCell::new(),
            exports,
            followers,
            looks,
            as_of: Arc::new(Semaphore::new(settings.max_as_of)),
            as_of_orders: Arc::new(Semaphore::new(settings.max_as_of_orders)),
            past_totals: PastTotals::new(),
            dead_letters: DeadLetters::nowhere(),
            steering: Steering::ending_with(CancellationToken::new(), TaskTracker::new()),
            settings,
        }
    }

    /// The same, where what runs in this process is watched by `monitor`.
    #[must_use]
    pub fn watched_by(self, monitor: Monitor) -> Self {
        monitor.watch_gateway(&self.gateway);
        Self { monitor, ..self }
    }

    /// The same, where dead letters are read from that Kafka, if there is one. Nothing is asked of it before somebody
    /// wants some.
    #[must_use]
    pub fn with_dead_letters_of(self, kafka: Option<KafkaSettings>) -> Self {
        Self { dead_letters: DeadLetters::of(kafka), ..self }
    }

    /// The same, where what goes on after its answer ends with `cancel`, and is waited for in `tasks`.
    #[must_use]
    pub fn ending_with(self, cancel: CancellationToken, tasks: TaskTracker) -> Self {
        Self { steering: Steering::ending_with(cancel, tasks), ..self }
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
        routes(&self.settings, self.frame.clone()).into_router(Arc::new(self))
    }
}
