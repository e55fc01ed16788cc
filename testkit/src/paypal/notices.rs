//! Notices: what they tell, how they are signed, and how they are delivered.

use super::{Credential, Shared, WEBHOOK_ID};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How often a notice is delivered that is not taken. PayPal itself tries 25 times within three days.
const TRIES: u32 = 25;
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A notice.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What it tells of.
    pub event_type: String,
    /// It, to the byte.
    pub body: String,
}

/// How a notice is delivered.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// Another webhook's id is signed.
    pub other_webhook: bool,
    /// What is sent is not what was signed.
    pub other_body: Option<String>,
    /// Where the certificate is said to be.
    pub cert_url: Option<String>,
    /// What it is signed with; its certificate is where the notice says, unless another place is said.
    pub credential: Credential,
    /// By which algorithm it is said to be signed.
    pub algorithm: Option<&'static str>,
}

impl Notice {
    /// A notice of an event.
    pub fn new(event_type: &str, resource_type: &str, resource: Value) -> Self {
        let body = json!({
            "id": format!("WH-{}-{}", super::orders::id(), super::orders::id()),
            "event_version": "1.0",
            "create_time": "2026-01-31T12:00:00.000Z",
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": event_type,
            "summary": "Something has happened",
            "resource": resource,
            "links": [],
        });
        Self { event_type: event_type.to_owned(), body: body.to_string() }
    }
}

impl Shared {
    /// Delivers a notice; the status that it was answered with.
    pub(super) async fn deliver(&self, notice: &Notice, url: &str, delivery: &Delivery) -> Result<u16, reqwest::Error> {
        let (id, time) = (Uuid::now_v7().to_string(), "2026-01-31T12:00:01Z");
        let webhook = if delivery.other_webhook { "2JE4291016473214C" } else { WEBHOOK_ID };
        let signed = format!("{id}|{time}|{webhook}|{}", crc32fast::hash(notice.body.as_bytes()));
        let cert_url = delivery.cert_url.clone().unwrap_or_else(|| self.cert_url(delivery.credential));
        let body = delivery.other_body.clone().unwrap_or_else(|| notice.body.clone());
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("paypal-auth-algo", delivery.algorithm.unwrap_or("SHA256withRSA"))
            .header("paypal-cert-url", cert_url)
            .header("paypal-transmission-id", &id)
            .header("paypal-transmission-time", time)
            .header("paypal-transmission-sig", STANDARD.encode(self.certificates.sign(delivery.credential, &signed)))
            .body(body);
        Ok(request.send().await?.status().as_u16())
    }

    /// Delivers a notice until it is taken.
    pub(super) async fn deliver_until_taken(&self, notice: &Notice, url: &str) {
        for _ in 0..TRIES {
            if let Ok(200..300) = self.deliver(notice, url, &Delivery::default()).await {
                return;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}
