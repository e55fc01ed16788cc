//! Asks a provider for what an order still costs.

use super::provider::{Ask, Begun, ProviderError};
use super::{Payments, Provider};
use commands::payments::intents::{self, Asked, Intent};
use commands::{LogError, Snapshot};
use domain::Money;
use domain::ids::OrderId;
use domain::order::Order;
use std::sync::Arc;
use url::Url;

/// Why no payment was begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The shop takes no payments on its pages.
    #[error("no payment provider is set")]
    NotOffered,
    /// There is no such order.
    #[error("there is no such order")]
    NoOrder,
    /// Everything is paid.
    #[error("nothing is to be paid")]
    NothingToPay,
    /// A payment of this order is on its way.
    #[error("a payment of this order is under way")]
    UnderWay,
    /// The provider was asked in vain.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The order can't be read now.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Payments {
    /// Asks for what is still to be paid of an order. Where the customer agrees to it is in the answer; asked again, it
    /// is the same payment, as long as it is neither settled nor too old.
    ///
    /// # Errors
    /// See [`BeginError`]. Whatever it is, it may be asked again.
    pub async fn begin(&self, order: OrderId, locale: &str) -> Result<Intent, BeginError> {
        let provider = Arc::clone(self.provider().ok_or(BeginError::NotOffered)?);
        let snapshot: Arc<Snapshot<Order>> = self.0.gateway.load(&order.to_string()).await?;
        let placed = snapshot.state.placed().ok_or(BeginError::NoOrder)?;
        let amount = owed(&snapshot.state).filter(|amount| !amount.is_zero()).ok_or(BeginError::NothingToPay)?;
        let asked = Asked { order, provider: provider.name(), amount, locale, lasts: provider.lasts() };
        let intent = intents::ask(&self.0.pool, asked, self.now()).await?;
        if intent.state.is_under_way() {
            return Err(BeginError::UnderWay);
        }
        if intent.approve_url.is_some() {
            return Ok(intent);
        }
        let address = |ending| self.address(&intent, ending).ok_or(BeginError::NotOffered);
        let ask = Ask {
            intent: intent.id,
            order,
            number: placed.number,
            amount,
            locale: locale.to_owned(),
            shop_name: self.0.shop_name.clone(),
            return_url: address("paid/")?,
            cancel_url: address("pay/cancelled/")?,
        };
        self.begin_at(&*provider, intent, &ask).await
    }

    async fn begin_at(&self, provider: &dyn Provider, intent: Intent, ask: &Ask) -> Result<Intent, BeginError> {
        let call = self.call()?;
        let Begun { payment, approve_url } = provider.begin(ask).await?;
        drop(call);
        intents::opened(&self.0.pool, intent.id, &payment, &approve_url, self.now()).await?;
        tracing::info!(order = %intent.order, intent = %intent.id, provider = intent.provider, "a payment was asked for");
        Ok(Intent { reference: Some(payment), approve_url: Some(approve_url), ..intent })
    }

    /// Where the customer comes back to. The payment's id is what lets in there: nobody else knows it.
    fn address(&self, intent: &Intent, ending: &str) -> Option<Url> {
        let mut url = self.0.public_url.clone()?;
        url.set_path(&format!("/orders/{}/{ending}", intent.order));
        url.set_query(Some(&format!("intent={}", intent.id)));
        Some(url)
    }

    /// A share of the requests that may be under way at once.
    pub(super) fn call(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ProviderError> {
        let permit = self.0.calls.try_acquire();
        permit.map_err(|_| ProviderError::Unavailable("too many requests are under way".to_owned()))
    }
}

/// What is still to be paid of an order.
pub(super) fn owed(order: &Order) -> Option<Money> {
    order.placed()?.balance().ok()
}
