//! Payments: from an order to a provider's page, and back as a fact.
//!
//! There are two ways back, and both are taken: the customer's browser, which the provider sends to our return address,
//! and the provider's own webhook. Either may come first, twice, late, or never. Both lead to one command,
//! [`NotePayment`](domain::order::Command::NotePayment), under one reference, `<provider>:<capture>`: so they are one
//! payment. What a provider says happened is never refused; what does not fit is flagged on the order.
//!
//! - [`provider`]: the port. [`sandbox`], [`paypal`]: its adapters.
//! - [`begin`]: asks a provider for what an order still costs. [`settle`]: takes what the customer agreed to, and notes
//!   it.
//! - [`inbox`]: what webhooks tell, kept first and handled after. [`task`]: takes up what was left lying, and what is
//!   pending.
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

use crate::shop::{Clock, ShopSettings};
use chrono::{DateTime, Utc};
use commands::Gateway;
use commands::payments::intents::{self, Intent};
use domain::ids::OrderId;
use sandbox::Sandbox;
use sqlx::PgPool;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use url::Url;
use uuid::Uuid;

/// The most requests of providers that are under way at once.
const MAX_CALLS: usize = 32;
/// The most notices that are being checked at once. Anybody can send one, so that these keep no customer from paying.
const MAX_CHECKS: usize = 32;

/// How payments are made.
#[derive(Debug, Clone, PartialEq)]
pub struct PaymentSettings {
    /// By whom.
    pub provider: ChosenProvider,
    /// Where this process listens: visitors reach the shop there, where no other address is set.
    pub listens_at: SocketAddr,
    /// How long a provider may be asked about one payment.
    pub ask_at_most: Duration,
}

impl Default for PaymentSettings {
    fn default() -> Self {
        Self {
            provider: ChosenProvider::None,
            listens_at: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            ask_at_most: provider::ASK_AT_MOST,
        }
    }
}

/// Who takes payments on the shop's pages.
#[derive(Clone)]
pub enum ChosenProvider {
    /// Nobody.
    None,
    /// The built-in one.
    Sandbox,
    /// Another.
    Other(Arc<dyn Provider>),
}

impl ChosenProvider {
    fn open(self, pool: &PgPool) -> Option<Arc<dyn Provider>> {
        match self {
            Self::None => None,
            Self::Sandbox => Some(Arc::new(Sandbox::new(pool.clone()))),
            Self::Other(provider) => Some(provider),
        }
    }
}

impl fmt::Debug for ChosenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Sandbox => "Sandbox",
            Self::Other(provider) => provider.name(),
        })
    }
}

impl PartialEq for ChosenProvider {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Sandbox, Self::Sandbox) => true,
            (Self::Other(one), Self::Other(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Payments; cheap to clone.
#[derive(Clone)]
pub struct Payments(Arc<Shared>);

struct Shared {
    gateway: Gateway,
    pool: PgPool,
    provider: Option<Arc<dyn Provider>>,
    /// Where visitors reach the shop: what providers send them back to.
    public_url: Option<Url>,
    /// The shop, as its customers know it.
    shop_name: String,
    /// A notice has come.
    news: Notify,
    calls: Semaphore,
    checks: Semaphore,
    ask_at_most: Duration,
    clock: Clock,
}

impl Payments {
    /// Puts the parts together. No I/O.
    pub fn new(gateway: Gateway, pool: PgPool, settings: PaymentSettings, shop: &ShopSettings, clock: Clock) -> Self {
        let PaymentSettings { provider, listens_at, ask_at_most } = settings;
        Self(Arc::new(Shared {
            provider: provider.open(&pool),
            gateway,
            pool,
            public_url: shop.public_url.clone().or_else(|| url_of(listens_at)),
            shop_name: shop.name.clone(),
            news: Notify::new(),
            calls: Semaphore::new(MAX_CALLS),
            checks: Semaphore::new(MAX_CHECKS),
            ask_at_most,
            clock,
        }))
    }

    /// Whether the shop takes payments on its pages.
    pub fn is_offered(&self) -> bool {
        self.0.provider.is_some()
    }

    /// By whom, if by anybody.
    pub fn provider(&self) -> Option<&Arc<dyn Provider>> {
        self.0.provider.as_ref()
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
        self.0.clock.now()
    }
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.provider().map_or("none", |provider| provider.name());
        write!(f, "Payments({name})")
    }
}

/// Where who listens at this address is reached, seen from the machine itself.
fn url_of(address: SocketAddr) -> Option<Url> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Url::parse(&format!("http://{}/", SocketAddr::new(ip, address.port()))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_this_machine() {
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("0.0.0.0:80", "http://127.0.0.1/"),
            ("[::]:8080", "http://[::1]:8080/"),
            ("10.0.0.7:8080", "http://10.0.0.7:8080/"),
        ] {
            assert_eq!(url_of(address.parse().unwrap()).unwrap().as_str(), url);
        }
    }
}
