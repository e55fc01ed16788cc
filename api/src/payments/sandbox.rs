//! The built-in provider: a page of its own where whoever tries the shop decides whether a payment goes through. No
//! money moves.
//!
//! It goes the same ways as a real one: an address where the customer agrees, a return address, a webhook that is
//! signed (HMAC-SHA-256, RFC 2104) and comes through the same inbox. Amounts whose minor units end in 13 ($20.13,
//! ₩1,013) are declined.

use super::provider::{Ask, Begun, Capture, NoticeError, Provider, ProviderError, Standing, Told, Verified};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use commands::db;
use commands::payments::intents::Intent;
use domain::Money;
use domain::ids::OrderId;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use uuid::Uuid;

/// What it is known by.
pub const NAME: &str = "sandbox";
/// The amounts that are declined end with these minor units.
const DECLINED_ENDING: u32 = 13;
/// What it says then.
const DECLINED_REASON: &str = "insufficient funds (a test amount)";
/// How long a customer has to agree.
const LASTS: Duration = Duration::from_secs(3 * 60 * 60);
/// The row of the table of keys.
const KEY: &str = "sandbox_notices";
/// Bears the signature.
const SIGNATURE: HeaderName = HeaderName::from_static("sandbox-signature");

/// See the module.
pub struct Sandbox {
    pool: PgPool,
    key: OnceCell<Hmac<Sha256>>,
}

/// What was decided on the test page, and the notice of it, ready to be sent.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Whether it is paid.
    pub paid: bool,
    /// The notice's headers.
    pub headers: HeaderMap,
    /// The notice.
    pub body: Bytes,
}

/// A notice, as it is sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    id: String,
    kind: Kind,
    payment: Uuid,
    order: OrderId,
    amount: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "payment.captured")]
    Captured,
    #[serde(rename = "payment.declined")]
    Declined,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Captured => "payment.captured",
            Self::Declined => "payment.declined",
        }
    }
}

impl Sandbox {
    /// Its book is in the same database. No I/O.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, key: OnceCell::new() }
    }

    /// Where the customer agrees to a payment: a path of our own.
    pub fn path(intent: Uuid) -> String {
        format!("/sandbox/{intent}/")
    }

    /// The customer agrees: decides, once and for all, whether the payment goes through.
    ///
    /// # Errors
    /// The database is away: then nothing was decided.
    pub async fn decide(&self, intent: &Intent) -> Result<Decided, sqlx::Error> {
        let paid: bool = db::work(&self.pool, Duration::from_secs(5), async |session| {
            let decide = sqlx::query_scalar(
                "INSERT INTO sandbox_payments AS known (intent_id, paid, decided_at) VALUES ($1, $2, clock_timestamp())
                 ON CONFLICT (intent_id) DO UPDATE SET paid = known.paid RETURNING paid",
            );
            decide.bind(intent.id).bind(!is_declined(intent.amount)).fetch_one(session).await
        })
        .await?;
        let notice = Notice {
            id: format!("sandbox-{}", intent.id),
            kind: if paid { Kind::Captured } else { Kind::Declined },
            payment: intent.id,
            order: intent.order,
            amount: intent.amount,
        };
        let body = serde_json::to_vec(&notice).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let signature = STANDARD.encode(self.key().await?.chain_update(&body).finalize().into_bytes());
        let signature = HeaderValue::try_from(signature).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        Ok(Decided { paid, headers: HeaderMap::from_iter([(SIGNATURE, signature)]), body: body.into() })
    }

    async fn key(&self) -> Result<Hmac<Sha256>, sqlx::Error> {
        let load = async || {
            let key: Vec<u8> = db::read(&self.pool, async |session| {
                sqlx::query_scalar("SELECT key FROM signing_keys WHERE name = $1").bind(KEY).fetch_one(session).await
            })
            .await?;
            // HMAC takes keys of any length.
            Hmac::new_from_slice(&key).map_err(|error| sqlx::Error::Decode(Box::new(error)))
        };
        self.key.get_or_try_init(load).await.cloned()
    }

    async fn decided(&self, payment: &str) -> Result<Option<(bool, Money)>, ProviderError> {
        let id: Uuid = payment.parse().map_err(|_| ProviderError::Refused("there is no such payment".to_owned()))?;
        let row: Option<(bool, sqlx::types::Decimal, String)> = db::read(&self.pool, async |session| {
            let decided = sqlx::query_as(
                "SELECT p.paid, i.amount, i.currency
                   FROM sandbox_payments AS p JOIN payment_intents AS i ON i.id = p.intent_id WHERE p.intent_id = $1",
            );
            decided.bind(id).fetch_optional(session).await
        })
        .await
        .map_err(|error: sqlx::Error| ProviderError::Unavailable(error.to_string()))?;
        let Some((paid, amount, currency)) = row else { return Ok(None) };
        let amount = domain::money::Currency::parse(&currency).and_then(|currency| Money::new(amount, currency));
        let amount = amount.map_err(|error| ProviderError::Refused(error.to_string()))?;
        Ok(Some((paid, amount)))
    }
}

#[async_trait]
impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shown_name(&self) -> &'static str {
        "Sandbox"
    }

    fn lasts(&self) -> Duration {
        LASTS
    }

    fn as_sandbox(&self) -> Option<&Sandbox> {
        Some(self)
    }

    async fn begin(&self, ask: &Ask) -> Result<Begun, ProviderError> {
        Ok(Begun { payment: ask.intent.to_string(), approve_url: Self::path(ask.intent) })
    }

    async fn look(&self, payment: &str, _: Instant) -> Result<Standing, ProviderError> {
        Ok(match self.decided(payment).await? {
            None => Standing::NotApproved,
            Some((false, _)) => Standing::Declined(DECLINED_REASON.to_owned()),
            Some((true, amount)) => Standing::Captured(vec![Capture { id: payment.to_owned(), amount }]),
        })
    }

    async fn settle(&self, payment: &str, _: Uuid, until: Instant) -> Result<Standing, ProviderError> {
        self.look(payment, until).await
    }

    async fn verify(&self, headers: &HeaderMap, body: &Bytes) -> Result<Verified, NoticeError> {
        let key = self.key().await.map_err(|error| NoticeError::Unchecked(error.to_string()))?;
        let missing = || NoticeError::NotGenuine("there is none".to_owned());
        let text = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
        let signature = STANDARD.decode(text).map_err(|_| NoticeError::NotGenuine("it is no base64".to_owned()))?;
        let verified = key.chain_update(body).verify_slice(&signature);
        verified.map_err(|_| NoticeError::NotGenuine("it is of another key or body".to_owned()))?;
        let notice = parse(body)?;
        let headers = json!({ SIGNATURE.as_str(): text });
        Ok(Verified { notice_id: notice.id, kind: notice.kind.as_str().to_owned(), headers })
    }

    fn read(&self, body: &[u8]) -> Result<Told, NoticeError> {
        let Notice { kind, payment, order, amount, .. } = parse(body)?;
        let payment = payment.to_string();
        Ok(match kind {
            Kind::Captured => Told::Captured {
                order: Some(order),
                payment: Some(payment.clone()),
                capture: Capture { id: payment, amount },
            },
            Kind::Declined => {
                Told::Declined { payment: Some(payment), reason: DECLINED_REASON.to_owned(), capture: None }
            }
        })
    }

    async fn order_of(&self, _: &str) -> Result<Option<OrderId>, ProviderError> {
        // Each of its notices names the order.
        Ok(None)
    }
}

fn parse(body: &[u8]) -> Result<Notice, NoticeError> {
    serde_json::from_slice(body).map_err(|error| NoticeError::unreadable_json(&error))
}

/// Whether an amount is one of those that are declined.
fn is_declined(amount: Money) -> bool {
    // An amount is at its currency's scale, so its digits count minor units.
    amount.amount().mantissa().unsigned_abs() % 100 == u128::from(DECLINED_ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_end_in_13_minor_units_are_declined() {
        for (amount, currency, declined) in [
            ("20.13", "USD", true),
            ("0.13", "EUR", true),
            ("13", "USD", false),
            ("113", "JPY", true),
            ("1.130", "KWD", false),
            ("1.113", "KWD", true),
            ("20.31", "USD", false),
        ] {
            assert_eq!(is_declined(Money::parse(amount, currency).unwrap()), declined, "{amount} {currency}");
        }
    }

    #[test]
    fn a_notice_reads_back() {
        let (payment, order) = (Uuid::from_u128(1), OrderId(Uuid::from_u128(2)));
        let amount = Money::parse("12.50", "USD").unwrap();
        let notice = Notice { id: "sandbox-1".to_owned(), kind: Kind::Captured, payment, order, amount };
        let read = parse(&serde_json::to_vec(&notice).unwrap()).unwrap();
        assert_eq!((read.kind, read.payment, read.order, read.amount), (Kind::Captured, payment, order, amount));
        assert!(matches!(parse(b"{}"), Err(NoticeError::Unreadable(_))));
        let error = parse(br#"{"kind":"ada@example.com"}"#).unwrap_err().to_string();
        assert!(!error.contains("ada"), "{error}");
    }
}
