//! What providers tell by webhook: verified, kept, and then handled.

use super::Payments;
use super::provider::{Capture, NoticeError, Provider, Told, Verified};
use super::settle::{Cause, SettleError, Settled};
use bytes::Bytes;
use commands::payments::intents::{self, Intent, IntentState};
use commands::payments::notices::{self, Notice, Outcome, Received};
use domain::ids::OrderId;
use http::HeaderMap;
use std::sync::Arc;

/// Why a notice was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// No payments are made by a provider of this name.
    #[error("payments are not made by this provider")]
    NoProvider,
    /// It is longer than any notice.
    #[error("a notice has at most {} bytes", notices::MAX_BYTES)]
    TooLong,
    /// It is not the provider's, or that can't be told.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Payments {
    /// Takes in what came by webhook. On return it is on disk: the provider may be told so.
    ///
    /// # Errors
    /// See [`ReceiveError`]: nothing of it was kept.
    pub async fn receive(&self, provider: &str, headers: &HeaderMap, body: &Bytes) -> Result<(), ReceiveError> {
        let provider = self.provider_named(provider).ok_or(ReceiveError::NoProvider)?;
        if body.len() > notices::MAX_BYTES {
            return Err(ReceiveError::TooLong);
        }
        let call = self.call().map_err(|error| NoticeError::Unchecked(error.to_string()))?;
        let Verified { notice_id, kind, headers } = provider.verify(headers, body).await?;
        drop(call);
        let received =
            Received { provider: provider.name(), notice_id: &notice_id, kind: &kind, headers: &headers, body };
        let is_new = notices::keep(&self.0.pool, received, self.now()).await?;
        tracing::info!(provider = provider.name(), notice_id, kind, is_new, "a payment provider's notice was taken in");
        metrics::counter!("orders_payment_notices_total", "provider" => provider.name()).increment(1);
        self.0.news.notify_one();
        Ok(())
    }

    /// Handles one notice and writes down what came of it.
    pub(super) async fn handle(&self, notice: &Notice) -> Result<(), sqlx::Error> {
        let outcome = match self.provider_named(&notice.provider).map(Arc::clone) {
            Some(provider) => self.outcome(&*provider, notice).await?,
            None => Outcome::Later(format!("{} is not set as the payment provider any more", notice.provider)),
        };
        if let Outcome::Unmatched(reason) | Outcome::Later(reason) = &outcome {
            let (provider, notice_id) = (&notice.provider, &notice.notice_id);
            tracing::warn!(provider, notice_id, reason, "a payment provider's notice led to nothing yet");
        }
        notices::settle(&self.0.pool, notice, &outcome, self.now()).await
    }

    async fn outcome(&self, provider: &dyn Provider, notice: &Notice) -> Result<Outcome, sqlx::Error> {
        let told = match provider.read(&notice.body) {
            Ok(told) => told,
            Err(error) => return Ok(Outcome::Unmatched(error.to_string())),
        };
        match told {
            Told::Captured { order, payment, capture } => {
                let intent = self.known(provider, payment.as_deref()).await?;
                self.captured(provider, notice, order, intent, &capture).await
            }
            Told::Approved { payment } => match self.known(provider, Some(&payment)).await? {
                Some(intent) => self.approved(&intent).await,
                // The reply that names the payment may be on its way.
                None => Ok(Outcome::Later("no payment of this reference was asked for".to_owned())),
            },
            Told::Pending { payment, reason } => {
                self.told_of(provider, payment.as_deref(), IntentState::Pending, &reason).await
            }
            Told::Declined { payment, reason } => {
                self.told_of(provider, payment.as_deref(), IntentState::Declined, &reason).await
            }
            Told::Other => Ok(Outcome::Ignored("it leads to nothing here".to_owned())),
        }
    }

    async fn known(&self, provider: &dyn Provider, payment: Option<&str>) -> Result<Option<Intent>, sqlx::Error> {
        match payment {
            Some(payment) => intents::of_reference(&self.0.pool, provider.name(), payment).await,
            None => Ok(None),
        }
    }

    /// Money was taken. The order is the one that the payment was asked for, or else the one that the provider repeats.
    async fn captured(
        &self,
        provider: &dyn Provider,
        notice: &Notice,
        order: Option<OrderId>,
        intent: Option<Intent>,
        capture: &Capture,
    ) -> Result<Outcome, sqlx::Error> {
        let Some(order) = intent.as_ref().map(|intent| intent.order).or(order) else {
            return Ok(Outcome::Unmatched("it names no order, and no payment that was asked for".to_owned()));
        };
        let cause = Cause {
            intent: intent.as_ref().map(|intent| intent.id),
            notice: Some(notice.notice_id.clone()),
            locale: intent.as_ref().and_then(|intent| intent.locale.clone()),
        };
        match self.note(order, provider.name(), capture, &cause).await {
            Ok(()) => {
                if let Some(intent) = intent {
                    intents::set(&self.0.pool, intent.id, IntentState::Paid, None, self.now()).await?;
                }
                Ok(Outcome::Done(format!("noted for the order {order}")))
            }
            Err(error @ (SettleError::NoOrder | SettleError::Reference(_))) => {
                Ok(Outcome::Unmatched(format!("{error}: {order}")))
            }
            Err(error) => Ok(Outcome::Later(error.to_string())),
        }
    }

    /// The customer has agreed, and may have closed the browser: the money is taken without that.
    async fn approved(&self, intent: &Intent) -> Result<Outcome, sqlx::Error> {
        Ok(match self.returned(intent.id).await? {
            Settled::Noted => Outcome::Done(format!("taken for the order {}", intent.order)),
            Settled::Pending => Outcome::Done("the provider has not made up its mind".to_owned()),
            Settled::Declined => Outcome::Done("the provider refuses it".to_owned()),
            Settled::NotOwed => Outcome::Done("not taken: the order does not cost that much any more".to_owned()),
            Settled::NotApproved => Outcome::Later("the provider does not know that it is approved".to_owned()),
            Settled::Later => Outcome::Later("it could not be taken yet".to_owned()),
        })
    }

    async fn told_of(
        &self,
        provider: &dyn Provider,
        payment: Option<&str>,
        state: IntentState,
        reason: &str,
    ) -> Result<Outcome, sqlx::Error> {
        let Some(intent) = self.known(provider, payment).await? else {
            return Ok(Outcome::Unmatched("no payment of this reference was asked for".to_owned()));
        };
        if state == IntentState::Pending && intent.state == IntentState::Declined {
            return Ok(Outcome::Ignored("it has been refused since".to_owned()));
        }
        intents::set(&self.0.pool, intent.id, state, Some(reason), self.now()).await?;
        Ok(Outcome::Done(format!("{} for the order {}", state.as_str(), intent.order)))
    }
}
