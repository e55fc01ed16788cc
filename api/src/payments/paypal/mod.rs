//! PayPal, by its Orders API, version 2.
//!
//! A payment is a PayPal order of one purchase unit with the intent `CAPTURE`. What is asked twice is one by
//! `PayPal-Request-Id`, which PayPal keeps for six hours; after that its own refusal (`ORDER_ALREADY_CAPTURED`) says
//! so.
//!
//! - [`client`]: requests with a token, time-outs and bounded retries. [`token`]: the token, shared until it is about
//!   to expire.
//! - [`orders`]: what an order is made of and what its answers mean. [`amount`]: money as PayPal writes it.
//! - [`events`]: what notices tell. [`signature`]: whether they are PayPal's. [`certificates`]: with what that is
//!   checked.

mod amount;
mod certificates;
mod client;
mod events;
mod orders;
mod signature;
mod token;

use super::provider::{ASK_AT_MOST, Ask, Begun, NoticeError, Provider, ProviderError, Standing, Told, Verified};
use crate::settings::Secret;
use async_trait::async_trait;
use bytes::Bytes;
use certificates::Certificates;
use client::{Client, Reply, Request};
use commands::Clock;
use domain::ids::OrderId;
use http::{HeaderMap, Method};
use orders::{Origin, PayPalOrder};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// What it is known by.
pub const NAME: &str = "paypal";
/// PayPal itself.
pub const LIVE: &str = "https://api-m.paypal.com";
/// How long PayPal waits for a customer, less a little.
const LASTS: Duration = Duration::from_secs(2 * 60 * 60 + 45 * 60);
/// The most characters of a PayPal order's id.
const MAX_ID_CHARS: usize = 36;

/// How PayPal is reached.
#[derive(Debug, Clone)]
pub struct PayPalSettings {
    /// The API: PayPal itself, its sandbox, or a test's own server.
    pub base_url: Url,
    /// What the shop is known by there.
    pub client_id: String,
    /// What proves it.
    pub client_secret: Secret,
    /// What PayPal knows our webhook by: part of what it signs.
    pub webhook_id: String,
    /// A certificate authority (PEM) that is trusted besides the system's.
    pub authority: Option<Vec<u8>>,
    /// How patient it is with PayPal.
    pub patience: Patience,
    /// What time it is.
    pub clock: Clock,
}

/// How long PayPal is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One answer.
    pub answer: Duration,
    /// How often a request is sent before it is given up.
    pub tries: u32,
    /// The pause after the first try, twice as long after each further one.
    pub pause: Duration,
}

impl Default for Patience {
    /// A visitor waits meanwhile.
    fn default() -> Self {
        Self { answer: Duration::from_secs(8), tries: 3, pause: Duration::from_millis(250) }
    }
}

impl Patience {
    /// How long one request takes to which no answer comes: each try, and the pauses between them, at their longest.
    fn longest(self) -> Duration {
        let pauses = (1..self.tries).map(|tried| client::grown(self.pause, tried).mul_f64(client::MOST_JITTER));
        self.answer.saturating_mul(self.tries).saturating_add(pauses.sum())
    }

    /// Whether there is time to try to take the money, as often as it is tried, and then to look once whether it was
    /// taken.
    fn fits(self, at_most: Duration) -> bool {
        self.tries >= 1 && self.longest().saturating_add(self.answer) <= at_most
    }
}

/// Why PayPal can't be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum PayPalError {
    /// The certificate authority is no PEM.
    #[error("PAYPAL_CA_FILE holds no certificate in PEM")]
    Authority,
    /// A payment would be given up before PayPal was asked as often as it should be.
    #[error("PayPal is waited for longer than the {} s that a payment may take", ASK_AT_MOST.as_secs())]
    Patience,
    /// TLS can't be set up on this machine.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
}

/// See the module.
pub struct PayPal {
    client: Client,
    certificates: Certificates,
    webhook_id: String,
}

impl PayPal {
    /// Puts the parts together. No I/O.
    ///
    /// # Errors
    /// See [`PayPalError`].
    pub fn new(settings: PayPalSettings) -> Result<Self, PayPalError> {
        if !settings.patience.fits(ASK_AT_MOST) {
            return Err(PayPalError::Patience);
        }
        let http = client::http(&settings)?;
        let (authority, clock) = (settings.authority.as_deref(), settings.clock.clone());
        let certificates = Certificates::new(http.clone(), &settings.base_url, authority, clock)?;
        let webhook_id = settings.webhook_id.clone();
        Ok(Self { client: Client::new(http, settings), certificates, webhook_id })
    }
}

#[async_trait]
impl Provider for PayPal {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shown_name(&self) -> &'static str {
        "PayPal"
    }

    fn lasts(&self) -> Duration {
        LASTS
    }

    async fn begin(&self, ask: &Ask) -> Result<Begun, ProviderError> {
        let request = Request {
            method: Method::POST,
            path: "/v2/checkout/orders".to_owned(),
            body: Some(orders::create(ask)?),
            request_id: Some(ask.intent.to_string()),
        };
        match self.client.send(&request, Instant::now() + ASK_AT_MOST).await? {
            Reply::Done(order) => begun(&order),
            Reply::NotFound => Err(unreadable("its API is not at this address")),
            Reply::Refused(issue) => Err(ProviderError::Refused(issue)),
        }
    }

    async fn look(&self, payment: &str, until: Instant) -> Result<Standing, ProviderError> {
        let request = Request::get(format!("/v2/checkout/orders/{}", checked_id(payment)?));
        match self.client.send(&request, until).await? {
            Reply::<PayPalOrder>::Done(order) => order.standing(),
            Reply::NotFound => Ok(Standing::Unknown),
            Reply::Refused(issue) => Err(ProviderError::Refused(issue)),
        }
    }

    async fn settle(&self, payment: &str, intent: Uuid, until: Instant) -> Result<Standing, ProviderError> {
        let request = Request {
            method: Method::POST,
            path: format!("/v2/checkout/orders/{}/capture", checked_id(payment)?),
            body: Some("{}".to_owned()),
            request_id: Some(format!("{intent}-capture")),
        };
        match self.client.send(&request, self.client.leaving_time_to_look(until)).await {
            Ok(Reply::<PayPalOrder>::Done(order)) => order.standing(),
            Ok(Reply::NotFound) => Ok(Standing::Unknown),
            Ok(Reply::Refused(issue)) => match orders::meaning(&issue) {
                orders::Meaning::NotApproved => Ok(Standing::NotApproved),
                orders::Meaning::UnderWay => Err(ProviderError::Unavailable(issue)),
                orders::Meaning::Captured => self.look(payment, until).await,
                // Whatever it refuses, what was taken before counts.
                orders::Meaning::Declined => match self.look(payment, until).await? {
                    taken @ (Standing::Captured(_) | Standing::Pending(_)) => Ok(taken),
                    _ => Ok(Standing::Declined(issue)),
                },
            },
            // It may be done all the same. What is only approved was not taken, and is tried again later.
            Err(error) => match self.look(payment, until).await {
                Ok(standing @ (Standing::Captured(_) | Standing::Pending(_) | Standing::Declined(_))) => Ok(standing),
                _ => Err(error),
            },
        }
    }

    async fn verify(&self, headers: &HeaderMap, body: &Bytes) -> Result<Verified, NoticeError> {
        let signed = signature::Signed::of(headers)?;
        let certificate = self.certificates.get(&signed.cert_url).await?;
        signed.check(&certificate, &self.webhook_id, body)?;
        let event = events::outline(body)?;
        Ok(Verified { notice_id: event.id, kind: event.event_type, headers: signed.kept() })
    }

    fn read(&self, body: &[u8]) -> Result<Told, NoticeError> {
        events::read(body)
    }

    async fn order_of(&self, capture: &str) -> Result<Option<OrderId>, ProviderError> {
        let request = Request::get(format!("/v2/payments/captures/{}", checked_id(capture)?));
        match self.client.send(&request, Instant::now() + ASK_AT_MOST).await? {
            Reply::<Origin>::Done(origin) => Ok(origin.order()),
            Reply::NotFound => Ok(None),
            Reply::Refused(issue) => Err(ProviderError::Refused(issue)),
        }
    }
}

fn begun(order: &PayPalOrder) -> Result<Begun, ProviderError> {
    let payment = checked_id(&order.id)?.to_owned();
    let approve_url = order.approve_url().ok_or_else(|| unreadable("it does not say where the customer agrees"))?;
    Ok(Begun { payment, approve_url })
}

/// An id that may stand in a path: capital letters and digits, as PayPal's own description has it.
fn checked_id(id: &str) -> Result<&str, ProviderError> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_id = (1..=MAX_ID_CHARS).contains(&id.len()) && id.bytes().all(allowed);
    if is_id { Ok(id) } else { Err(unreadable("an order's id is not of the form that it has")) }
}

fn unreadable(what: &str) -> ProviderError {
    ProviderError::Unavailable(format!("PayPal's answer makes no sense: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patience_with_paypal_leaves_time_to_look() {
        assert!(Patience::default().fits(ASK_AT_MOST), "{:?}", Patience::default().longest());
        let patience =
            |answer_s, tries| Patience { answer: Duration::from_secs(answer_s), tries, pause: Duration::from_secs(1) };
        // 3 × 8 s, pauses of 1.5 s and 3 s, and 8 s to look.
        assert_eq!(patience(8, 3).longest(), Duration::from_millis(28_500));
        for (answer_s, tries, fits) in [(8, 3, false), (8, 2, true), (20, 1, false), (1, 0, false)] {
            assert_eq!(patience(answer_s, tries).fits(ASK_AT_MOST), fits, "{answer_s} s, {tries} times");
        }
    }
}
