//! The port: what is asked of a payment provider, whichever it is.

use super::sandbox::Sandbox;
use async_trait::async_trait;
use bytes::Bytes;
use domain::Money;
use domain::ids::{OrderId, OrderNumber};
use domain::order::Reversal;
use http::HeaderMap;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// How long a provider may be asked about one payment, all tries and pauses of all requests together.
pub const ASK_AT_MOST: Duration = Duration::from_secs(35);

/// A payment provider.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it is known by: in references, in tables, in the address of its webhook. Never changes.
    fn name(&self) -> &'static str;

    /// What customers call it.
    fn shown_name(&self) -> &'static str;

    /// How long a customer has to agree to a payment.
    fn lasts(&self) -> Duration;

    /// The built-in provider, where this is it: its page is one of ours.
    fn as_sandbox(&self) -> Option<&Sandbox> {
        None
    }

    /// Asks for a payment. Asked again under the same id, it is the same payment.
    async fn begin(&self, ask: &Ask) -> Result<Begun, ProviderError>;

    /// How a payment stands. Changes nothing. Gives up by `until`.
    async fn look(&self, payment: &str, until: Instant) -> Result<Standing, ProviderError>;

    /// Takes the money that the customer agreed to, and says how it stands. Asked again, it is taken once. Gives up by
    /// `until`: whether the money was taken is not known then.
    async fn settle(&self, payment: &str, intent: Uuid, until: Instant) -> Result<Standing, ProviderError>;

    /// Whether what came by webhook is this provider's. Only then anything of it is kept.
    async fn verify(&self, headers: &HeaderMap, body: &Bytes) -> Result<Verified, NoticeError>;

    /// What a notice tells that was verified before.
    fn read(&self, body: &[u8]) -> Result<Told, NoticeError>;

    /// Which order of ours money was taken for, by what the provider knows the money by; `None` if it was for none.
    /// Asked where a notice does not say. Changes nothing.
    async fn order_of(&self, capture: &str) -> Result<Option<OrderId>, ProviderError>;
}

/// A payment that is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What we know it by.
    pub intent: Uuid,
    /// For which order.
    pub order: OrderId,
    /// The order's number, as the customer knows it.
    pub number: OrderNumber,
    /// How much.
    pub amount: Money,
    /// The customer's language (BCP 47).
    pub locale: String,
    /// The shop, as the customer knows it.
    pub shop_name: String,
    /// Where the provider sends the customer who agreed.
    pub return_url: Url,
    /// Where it sends one who did not.
    pub cancel_url: Url,
}

/// A payment that the provider knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What the provider knows it by.
    pub payment: String,
    /// Where the customer agrees to it: an address, or a path of our own.
    pub approve_url: String,
}

/// How a payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The customer has not agreed yet.
    NotApproved,
    /// The customer has agreed, and nothing was taken.
    Approved,
    /// The provider has taken it, and does not say yet whether it goes through.
    Pending(String),
    /// It is refused; why, in the provider's words.
    Declined(String),
    /// The provider knows of no such payment any more.
    Unknown,
    /// The money is ours: what was taken. More than one, if the provider took it in parts.
    Captured(Vec<Capture>),
}

/// Money that a provider took for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// What the provider knows it by. The same whether it is told by a reply or by a notice: that is what makes both
    /// one.
    pub id: String,
    /// How much.
    pub amount: Money,
}

/// A notice that is the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The provider's own id of it: the same when it comes again.
    pub notice_id: String,
    /// What it tells of, in the provider's words.
    pub kind: String,
    /// What it was verified by.
    pub headers: Value,
}

/// What a notice tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Money was taken.
    Captured {
        /// The order that we named when we asked, if the provider repeats it.
        order: Option<OrderId>,
        /// The payment that it belongs to.
        payment: Option<String>,
        /// What was taken.
        capture: Capture,
    },
    /// The customer has agreed to this payment: it is to be settled.
    Approved {
        /// The payment.
        payment: String,
    },
    /// The provider makes up its mind about this payment.
    Pending {
        /// The payment.
        payment: Option<String>,
        /// Why.
        reason: String,
    },
    /// This payment was refused.
    Declined {
        /// The payment.
        payment: Option<String>,
        /// Why.
        reason: String,
        /// The money, if the provider had told of it before: it may have said that it was taken.
        capture: Option<TakenBack>,
    },
    /// Money that was taken is the customer's again.
    TakenBack(TakenBack),
    /// Something else, that leads to nothing here.
    Other,
}

/// Money that a provider took for us, and took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// In which way.
    pub reversal: Reversal,
    /// What the provider knows it by, and how much it is: a refund has an id of its own.
    pub taken: Capture,
    /// What the provider knows the money by that was taken first, if it says so.
    pub of: Option<String>,
    /// The order that we named when we asked, if the provider repeats it.
    pub order: Option<OrderId>,
}

/// Why a provider was asked in vain. No text holds a secret or personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It could not be asked, or its answer is lost or makes no sense: it may be better later.
    #[error("the payment provider could not be asked: {0}")]
    Unavailable(String),
    /// It refuses what was asked, and will again.
    #[error("the payment provider refuses: {0}")]
    Refused(String),
    /// It takes no such amount.
    #[error("the payment provider does not take this amount: {0}")]
    Amount(String),
}

/// Why what came by webhook is not taken. Each text is for the log, and repeats nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// It is not signed as the provider signs, or by somebody else.
    #[error("the signature is not the provider's: {0}")]
    NotGenuine(String),
    /// Whose the signature is could not be found out now.
    #[error("the signature could not be checked: {0}")]
    Unchecked(String),
    /// It is signed, and can't be read.
    #[error("the notice can't be read: {0}")]
    Unreadable(String),
}

impl NoticeError {
    /// Of JSON that is not of the form that it should have: where, as serde_json's own words repeat what stands there.
    pub(super) fn unreadable_json(error: &serde_json::Error) -> Self {
        Self::Unreadable(format!("line {}, column {} is not as expected", error.line(), error.column()))
    }
}
