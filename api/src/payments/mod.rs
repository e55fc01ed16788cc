//! Payments: from an order to a provider's page, and back as a fact.
//!
//! There are two ways back, and both are taken: the customer's browser, which the provider sends to our return address, and the
//! provider's own webhook. Either may come first, twice, late, or never. Both lead to one command,
//! [`NotePayment`](domain::order::Command::NotePayment), under one reference, `<provider>:<capture>`: so they are one payment.
//! What a provider says happened is never refused; what does not fit is flagged on the order.
//!
//! - [`provider`]: the port. [`sandbox`], [`paypal`]: its adapters.
//! - [`begin`]: asks a provider for what an order still costs. [`settle`]: takes what the customer agreed to, and notes it.
//! - [`inbox`]: what webhooks tell, kept first and handled after. [`task`]: takes up what was left lying.
//! - [`webhook`]: the address that providers tell it at.
//!
//! This knows no pages; those are in `shop::payment`. See `docs/decisions/0016-payments.md`.

pub mod begin;
pub mod inbox;
pub mod paypal;
pub mod provider;
pub mod sandbox;
pub mod settle;
mod task;
pub mod webhook;

pub use begin::BeginError;
pub use provider::Provider;
pub use settle::Settled;

use crate::http::RateLimit;
use chrono::{DateTime, SubsecRound, Utc};
use commands::Gateway;
use commands::payments::intents::{self, Intent};
use domain::ids::OrderId;
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};
use url::Url;
use uuid::Uuid;

/// The most requests of providers, and of certificates to check notices with, that are under way at once.
const MAX_CALLS: usize = 32;
/// How often webhooks may come. Providers send one or two for each payment, and again what we do not take.
pub const NOTICES: RateLimit = RateLimit { per_second: 100.0, burst: 500 };

/// How payments are made.
#[derive(Clone)]
pub struct PaymentSettings {
    /// By whom; `None` where the shop takes no payments on its pages.
    pub provider: Option<Arc<dyn Provider>>,
    /// Where visitors reach the shop: what providers send them back to.
    pub public_url: Url,
    /// The shop, as its customers know it.
    pub shop_name: String,
}

/// Payments; cheap to clone.
#[derive(Clone)]
pub struct Payments(Arc<Shared>);

struct Shared {
    gateway: Gateway,
    pool: PgPool,
    settings: PaymentSettings,
    /// Something is due now.
    news: Notify,
    calls: Semaphore,
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Payments {
    /// Puts the parts together. No I/O.
    pub fn new(gateway: Gateway, pool: PgPool, settings: PaymentSettings) -> Self {
        Self::with_clock(gateway, pool, settings, Utc::now)
    }

    /// The same, by a clock of the caller's.
    pub fn with_clock(
        gateway: Gateway,
        pool: PgPool,
        settings: PaymentSettings,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Self {
        let (news, calls, now) = (Notify::new(), Semaphore::new(MAX_CALLS), Box::new(now));
        Self(Arc::new(Shared { gateway, pool, settings, news, calls, now }))
    }

    /// Whether the shop takes payments on its pages.
    pub fn is_offered(&self) -> bool {
        self.0.settings.provider.is_some()
    }

    /// By whom, if by anybody.
    pub fn provider(&self) -> Option<&Arc<dyn Provider>> {
        self.0.settings.provider.as_ref()
    }

    /// The provider of this name, if payments are made by it.
    pub fn provider_named(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.provider().filter(|provider| provider.name() == name)
    }

    /// What an order's customer was asked to pay last, and how that goes.
    pub async fn last_of(&self, order: OrderId) -> Result<Option<Intent>, sqlx::Error> {
        intents::last_of(&self.0.pool, order).await
    }

    /// A payment that was asked for.
    pub async fn intent(&self, id: Uuid) -> Result<Option<Intent>, sqlx::Error> {
        intents::get(&self.0.pool, id).await
    }

    /// The customer came back without agreeing.
    pub async fn cancelled(&self, intent: Uuid) -> Result<(), sqlx::Error> {
        intents::cancelled(&self.0.pool, intent, self.now()).await
    }

    fn now(&self) -> DateTime<Utc> {
        // What the database keeps.
        (self.0.now)().trunc_subsecs(6)
    }
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.provider().map_or("none", |provider| provider.name());
        write!(f, "Payments({name})")
    }
}
