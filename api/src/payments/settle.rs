//! Takes what a customer agreed to, and notes what a provider says was paid.

use super::Payments;
use super::begin::owed;
use super::provider::{Capture, Provider, ProviderError, Standing, TakenBack};
use super::task::{Broken, alone};
use commands::payments::MAX_ATTEMPTS;
use commands::payments::intents::{self, Intent, IntentState, Next};
use commands::{Answer, CommandError, Context, LogError, Snapshot, Submission, trace};
use domain::ids::OrderId;
use domain::order::{Command, Order, Rejection};
use domain::text::{PaymentReference, TextError};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

/// How a payment stands after it was tried to settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The order knows of it.
    Noted,
    /// The provider has not made up its mind.
    Pending,
    /// The provider refuses it.
    Declined,
    /// The customer has not agreed.
    NotApproved,
    /// The order does not cost that much any more, so nothing was taken.
    NotOwed,
    /// Another is at it, or it could not be found out now: it goes on by itself.
    Later,
}

/// Why a payment could not be noted or settled now.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no such order.
    #[error("there is no such order")]
    NoOrder,
    /// The provider's id is none that a payment can be known by.
    #[error("the payment's reference can't be kept: {0}")]
    Reference(#[from] TextError),
    /// The provider was asked in vain.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The command was not carried out, or whether it was is not known.
    #[error("the payment could not be noted: {0}")]
    Command(String),
    /// The order can't be read now.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database is away, or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It came to no end.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What a payment is noted for.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    /// The payment that we asked for, where it is known.
    pub(super) intent: Option<Uuid>,
    /// The notice that told it, where it was one.
    pub(super) notice: Option<String>,
    /// The customer's language.
    pub(super) locale: Option<String>,
}

impl Payments {
    /// The customer came back, and says to have agreed: takes the money if that is so. Once this returns, it goes on by
    /// itself until it is known how it stands, also should this process end.
    ///
    /// # Errors
    /// The database is away: then the customer is asked to come again.
    pub async fn returned(&self, intent: Uuid) -> Result<Settled, sqlx::Error> {
        let Some(claimed) = intents::to_settle(&self.0.pool, intent, self.now()).await? else {
            return self.found_before(intent).await;
        };
        let payments = self.clone();
        // A browser that hangs up cancels its request; the payment must not be cut in the middle.
        let task = tokio::spawn(async move { payments.settle_or_later(&claimed).await });
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Ok(Settled::Later),
            },
        }
    }

    /// What is known of a payment already.
    async fn found_before(&self, intent: Uuid) -> Result<Settled, sqlx::Error> {
        Ok(self.intent(intent).await?.map_or(Settled::Later, |intent| match intent.state {
            IntentState::Paid => Settled::Noted,
            IntentState::Pending => Settled::Pending,
            IntentState::Declined => Settled::Declined,
            _ => Settled::Later,
        }))
    }

    /// Settles a claimed payment, or writes down why it is tried again.
    pub(super) async fn settle_or_later(&self, intent: &Intent) -> Result<Settled, sqlx::Error> {
        let error = if intent.state == IntentState::Settling && intent.attempts > MAX_ATTEMPTS {
            // Else it would have been given up.
            SettleError::Broken(Broken::Ended)
        } else {
            match alone(self.settle(intent)).await.map_err(SettleError::from).flatten() {
                Ok(settled) => return Ok(settled),
                Err(error) => error,
            }
        };
        let (order, intent_id, attempts) = (intent.order, intent.id, intent.attempts);
        tracing::warn!(%error, %order, intent = %intent_id, attempts, "a payment could not be settled");
        let next = intents::not_settled(&self.0.pool, intent, &error.to_string(), self.now()).await?;
        if next == Next::GivenUp {
            tracing::error!(%order, intent = %intent_id, "a payment was given up: look at the provider's how it ended");
        }
        Ok(if intent.state == IntentState::Pending { Settled::Pending } else { Settled::Later })
    }

    async fn settle(&self, intent: &Intent) -> Result<Settled, SettleError> {
        let provider = self.provider_named(&intent.provider).map(Arc::clone);
        let provider = provider.ok_or_else(|| gone(&intent.provider))?;
        let snapshot: Arc<Snapshot<Order>> = self.0.gateway.load(&intent.order.to_string()).await?;
        let is_owed = owed(&snapshot.state)
            .is_some_and(|owed| owed.currency() == intent.amount.currency() && owed.amount() >= intent.amount.amount());
        let is_pending = intent.state == IntentState::Pending;
        match self.standing(&*provider, intent, is_owed && !is_pending).await? {
            Standing::Captured(captures) => {
                let cause = Cause { intent: Some(intent.id), notice: None, locale: intent.locale.clone() };
                for capture in &captures {
                    self.note(intent.order, provider.name(), capture, &cause).await?;
                }
                self.set(intent, IntentState::Paid, None, Settled::Noted).await
            }
            Standing::Pending(reason) => {
                if intent.is_pending_long(self.now()) {
                    tracing::warn!(order = %intent.order, intent = %intent.id, "the provider has not made up its mind for days");
                }
                self.set(intent, IntentState::Pending, Some(&reason), Settled::Pending).await
            }
            Standing::Declined(reason) => {
                self.set(intent, IntentState::Declined, Some(&reason), Settled::Declined).await
            }
            // It had the money: that it was not taken has to be said in so many words.
            Standing::Unknown | Standing::NotApproved | Standing::Approved if is_pending => {
                Err(ProviderError::Unavailable("it was pending, and it is not told what became of it".to_owned())
                    .into())
            }
            Standing::Unknown => {
                self.set(intent, IntentState::Declined, Some("it is not known any more"), Settled::Declined).await
            }
            Standing::NotApproved => self.set(intent, IntentState::Open, None, Settled::NotApproved).await,
            Standing::Approved if is_owed => {
                Err(ProviderError::Unavailable("it is approved, and was not taken".to_owned()).into())
            }
            // It was only looked at.
            Standing::Approved => {
                let reason = "the order does not cost that much any more";
                self.set(intent, IntentState::Cancelled, Some(reason), Settled::NotOwed).await
            }
        }
    }

    /// What is not owed any more is not taken, nor what the provider has already: it may have been taken before, and
    /// that is looked at.
    async fn standing(&self, provider: &dyn Provider, intent: &Intent, take: bool) -> Result<Standing, ProviderError> {
        let payment = intent.reference.as_deref().unwrap_or_default();
        let _call = self.call()?;
        let until = Instant::now() + self.0.ask_at_most;
        if take { provider.settle(payment, intent.id, until).await } else { provider.look(payment, until).await }
    }

    /// Writes down what came of a claim. Where something newer is known, that counts, and this does not.
    async fn set(
        &self,
        intent: &Intent,
        state: IntentState,
        reason: Option<&str>,
        found: Settled,
    ) -> Result<Settled, SettleError> {
        let is_taken_down = intents::settled(&self.0.pool, intent, state, reason, self.now()).await?;
        let (order, state) = (intent.order, state.as_str());
        tracing::info!(%order, intent = %intent.id, state, is_taken_down, "it is known how a payment stands");
        Ok(if is_taken_down { found } else { self.found_before(intent.id).await? })
    }

    /// Notes what a provider took: the one way to the command, from the return address and from webhooks alike.
    pub(super) async fn note(
        &self,
        order: OrderId,
        provider: &str,
        capture: &Capture,
        cause: &Cause,
    ) -> Result<(), SettleError> {
        let reference = reference(provider, &capture.id)?;
        let command = Command::NotePayment { reference: reference.clone(), amount: capture.amount };
        self.submit(order, provider, &reference, command, cause).await
    }

    /// Notes what a provider took back.
    pub(super) async fn note_reversal(
        &self,
        order: OrderId,
        provider: &str,
        back: &TakenBack,
        cause: &Cause,
    ) -> Result<(), SettleError> {
        let reference = reference(provider, &back.taken.id)?;
        let payment = back.of.as_deref().map(|of| self::reference(provider, of)).transpose()?;
        let (amount, reversal) = (back.taken.amount, back.reversal);
        let command = Command::NoteReversal { reference: reference.clone(), amount, reversal, payment };
        self.submit(order, provider, &reference, command, cause).await
    }

    async fn submit(
        &self,
        order: OrderId,
        provider: &str,
        reference: &PaymentReference,
        command: Command,
        cause: &Cause,
    ) -> Result<(), SettleError> {
        let correlation_id = cause.intent.map_or_else(|| reference.to_string(), |intent| intent.to_string());
        let submission = Submission {
            id: order.to_string(),
            command,
            fresh_id: false,
            expected_version: None,
            context: Context {
                actor: format!("provider:{provider}"),
                correlation_id,
                causation_id: cause.notice.clone(),
                traceparent: trace::traceparent(&Span::current()),
                locale: cause.locale.clone(),
                occurred_at: self.now(),
            },
            key: None,
            // Nobody is answered.
            answer: Arc::new(|_: &Snapshot<Order>| Answer {
                status: 204,
                location: None,
                etag: None,
                body: String::new(),
            }),
            admission: None,
        };
        match self.0.gateway.submit(submission).await {
            Ok(_) => Ok(()),
            Err(CommandError::Rejected { rejection: Rejection::NotFound, .. }) => Err(SettleError::NoOrder),
            Err(error) => Err(SettleError::Command(error.to_string())),
        }
    }
}

/// What a payment is known by in an order's history.
fn reference(provider: &str, id: &str) -> Result<PaymentReference, TextError> {
    PaymentReference::parse(&format!("{provider}:{id}"))
}

/// The settings name another provider than when it was asked for.
fn gone(provider: &str) -> ProviderError {
    ProviderError::Unavailable(format!("{provider} is not set as the payment provider any more"))
}
