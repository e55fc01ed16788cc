//! What providers tell by webhook: verified, kept, and then handled.

use super::Payments;
use super::provider::{Capture, NoticeError, Provider, ProviderError, TakenBack, Told, Verified};
use super::settle::{Cause, SettleError, Settled};
use super::task::alone;
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
        let check = self.0.checks.try_acquire();
        let check = check.map_err(|_| NoticeError::Unchecked("too many others are being checked".to_owned()))?;
        let Verified { notice_id, kind, headers } = provider.verify(headers, body).await?;
        drop(check);
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
            Some(provider) => match alone(self.outcome(&*provider, notice)).await {
                Ok(outcome) => outcome?,
                Err(broken) => Outcome::Later(broken.to_string()),
            },
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
            Told::Declined { payment, reason, capture } => {
                // What was said to be taken before, and is denied now, concerns the order too.
                if let Some(back) = capture
                    && let Some(outcome) = self.denied(provider, notice, payment.as_deref(), &back).await?
                {
                    return Ok(outcome);
                }
                self.told_of(provider, payment.as_deref(), IntentState::Declined, &reason).await
            }
            Told::TakenBack(back) => self.taken_back(provider, notice, &back).await,
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
                    intents::told(&self.0.pool, intent.id, IntentState::Paid, None, self.now()).await?;
                }
                Ok(Outcome::Done(format!("noted for the order {order}")))
            }
            Err(error @ (SettleError::NoOrder | SettleError::Reference(_))) => {
                Ok(Outcome::Unmatched(format!("{error}: {order}")))
            }
            Err(error) => Ok(Outcome::Later(error.to_string())),
        }
    }

    /// Money is the customer's again. The order is the one that the provider repeats, or else the one that it names
    /// when it is asked what the money was taken for.
    async fn taken_back(
        &self,
        provider: &dyn Provider,
        notice: &Notice,
        back: &TakenBack,
    ) -> Result<Outcome, sqlx::Error> {
        let order = match (back.order, &back.of) {
            (Some(order), _) => Ok(Some(order)),
            (None, Some(capture)) => provider.order_of(capture).await,
            (None, None) => Ok(None),
        };
        let order = match order {
            Ok(Some(order)) => order,
            Ok(None) => return Ok(Outcome::Unmatched("what was taken back was for no order of ours".to_owned())),
            Err(ProviderError::Refused(reason)) => return Ok(Outcome::Unmatched(reason)),
            Err(error) => return Ok(Outcome::Later(error.to_string())),
        };
        self.note_back(order, provider, notice, back, None).await
    }

    /// A refusal of money that an order may count already; `None` where there is no telling whose it is, or it could be
    /// noted.
    async fn denied(
        &self,
        provider: &dyn Provider,
        notice: &Notice,
        payment: Option<&str>,
        back: &TakenBack,
    ) -> Result<Option<Outcome>, sqlx::Error> {
        let intent = self.known(provider, payment).await?;
        let Some(order) = intent.as_ref().map(|intent| intent.order).or(back.order) else { return Ok(None) };
        let noted = self.note_back(order, provider, notice, back, intent.as_ref()).await?;
        // What was asked for is settled besides, unless it is paid.
        Ok(if matches!(noted, Outcome::Done(_)) && intent.is_some() { None } else { Some(noted) })
    }

    async fn note_back(
        &self,
        order: OrderId,
        provider: &dyn Provider,
        notice: &Notice,
        back: &TakenBack,
        intent: Option<&Intent>,
    ) -> Result<Outcome, sqlx::Error> {
        let cause = Cause {
            intent: intent.map(|intent| intent.id),
            notice: Some(notice.notice_id.clone()),
            locale: intent.and_then(|intent| intent.locale.clone()),
        };
        Ok(match self.note_reversal(order, provider.name(), back, &cause).await {
            Ok(()) => Outcome::Done(format!("noted for the order {order}")),
            Err(error @ (SettleError::NoOrder | SettleError::Reference(_))) => {
                Outcome::Unmatched(format!("{error}: {order}"))
            }
            Err(error) => Outcome::Later(error.to_string()),
        })
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
        intents::told(&self.0.pool, intent.id, state, Some(reason), self.now()).await?;
        Ok(Outcome::Done(format!("{} for the order {}", state.as_str(), intent.order)))
    }
}
