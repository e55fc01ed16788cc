//! The catalogue's prices in memory, following the log.
//!
//! What is held here may accept an order, but never refuse one: before a refusal the gateway asks for a [`refresh`].
//!
//! [`refresh`]: Catalogue::refresh

use crate::db;
use crate::log::{Log, LogError};
use crate::tasks::keep_running;
use arc_swap::ArcSwap;
use domain::{Event, Position, Prices, Sku};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often products are looked for when nothing was heard of any.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// A handle on the prices; cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    shared: Arc<Shared>,
}

struct Shared {
    log: Log,
    state: ArcSwap<State>,
    /// One refresh at a time; holds up to which request the last one counts.
    refreshing: tokio::sync::Mutex<u64>,
    requested: AtomicU64,
}

#[derive(Default)]
struct State {
    prices: Prices,
    /// All products' events up to here are in.
    position: Position,
}

impl Catalogue {
    /// Opens the catalogue, caught up with the log, and goes on following it until `cancel`.
    pub async fn open(log: Log, cancel: CancellationToken, tracker: &TaskTracker) -> Result<Self, LogError> {
        let shared = Shared {
            log,
            state: ArcSwap::default(),
            refreshing: tokio::sync::Mutex::new(0),
            requested: AtomicU64::new(0),
        };
        let catalogue = Self { shared: Arc::new(shared) };
        catalogue.refresh().await?;
        let follows = catalogue.clone();
        keep_running("catalogue", cancel, tracker, move || follows.clone().follow());
        Ok(catalogue)
    }

    /// The prices of this moment, as far as they are known here.
    pub fn prices(&self) -> Prices {
        self.shared.state.load().prices.clone()
    }

    /// Up to which position of the log they are known.
    pub fn position(&self) -> Position {
        self.shared.state.load().position
    }

    /// Reads the log to its head, as it is after this call began. Calls that wait together share one read.
    pub async fn refresh(&self) -> Result<(), LogError> {
        let request = self.shared.requested.fetch_add(1, Ordering::SeqCst) + 1;
        // When the database is away, those who wait must not try it one after the other.
        let mut served = db::within(db::ANSWER_AT_MOST, self.shared.refreshing.lock()).await?;
        if *served >= request {
            return Ok(());
        }
        let serves = self.shared.requested.load(Ordering::SeqCst);
        self.read_on().await?;
        *served = serves;
        Ok(())
    }

    async fn read_on(&self) -> Result<(), LogError> {
        loop {
            let before = self.shared.state.load_full();
            let read = self.shared.log.read_products(before.position).await?;
            let mut prices = before.prices.clone();
            for stored in &read.events {
                let recorded = stored.recorded().map_err(Clone::clone)?;
                if let Event::Product(event) = &recorded.event
                    && let Ok(sku) = Sku::parse(&recorded.aggregate_id)
                {
                    prices.apply(&sku, event);
                }
            }
            self.shared.state.store(Arc::new(State { prices, position: read.up_to }));
            if read.is_all {
                return Ok(());
            }
        }
    }

    async fn follow(self) {
        let mut changes = self.shared.log.watch_catalogue();
        loop {
            // Both a time-out and news lead to a look.
            let _ = tokio::time::timeout(POLL_EVERY, changes.changed()).await;
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the catalogue can't follow the log; trying again");
                tokio::time::sleep(POLL_EVERY).await;
            }
        }
    }
}
