//! A shop with payments: one process that takes orders, another that takes payments, a PayPal of the tests' own, and a
//! clock that tests move.

use crate::http_support::{Instance, Reply, Shop};
use api::app::{App, HttpSettings};
use api::health::Readiness;
use api::http::{Server, ServerSettings};
use api::payments::paypal::{Patience, PayPal, PayPalSettings};
use api::payments::provider::ASK_AT_MOST;
use api::payments::{ChosenProvider, PaymentSettings, Payments};
use api::settings::Secret;
use api::shop::{Clock, SessionSettings};
use chrono::{DateTime, TimeDelta, Utc};
use commands::payments::intents::Intent;
use commands::{Catalogue, Gateway, GatewaySettings, Log, db};
use domain::ids::OrderId;
use projections::{Settings, Views};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use testkit::paypal::{self, Delivery, Notice};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Patient enough for a busy machine, and soon through with what does not answer at all.
pub const PATIENCE: Patience = Patience { answer: Duration::from_secs(3), tries: 2, pause: Duration::from_millis(10) };

/// Time, as far as payments go by it.
#[derive(Clone, Default)]
pub struct Hours(Arc<AtomicI64>);

impl Hours {
    /// So much later.
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let passed = Arc::clone(&self.0);
        Clock::new(move || Utc::now() + TimeDelta::seconds(passed.load(Ordering::SeqCst)))
    }
}

/// A shop whose orders are paid by PayPal.
pub struct Market {
    pub shop: Shop,
    /// Takes orders.
    pub front: Instance,
    pub paypal: paypal::PayPal,
    pub hours: Hours,
    /// Takes payments.
    pub till: Till,
}

/// One process that takes payments.
pub struct Till {
    pub payments: Payments,
    /// The address of PayPal's webhook.
    pub webhook: String,
    pub stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Market {
    pub async fn open() -> Self {
        Self::patient_for(ASK_AT_MOST).await
    }

    /// One that asks PayPal about a payment no longer than this.
    pub async fn patient_for(ask_at_most: Duration) -> Self {
        let shop = Shop::new().await;
        let front = shop.open().await;
        let (paypal, hours) = (paypal::PayPal::start().await, Hours::default());
        let till = till(&shop, &paypal, &hours, ask_at_most).await;
        Self { shop, front, paypal, hours, till }
    }

    /// Another process that takes payments.
    pub async fn another_till(&self) -> Till {
        till(&self.shop, &self.paypal, &self.hours, ASK_AT_MOST).await
    }

    /// Places an order of two teas: 25.00 USD.
    pub async fn place(&self) -> OrderId {
        self.front.place(&[("TEA", 2)]).await.id().parse().unwrap()
    }

    /// Asks for the payment of an order.
    pub async fn begin(&self, order: OrderId) -> Intent {
        self.till.payments.begin(order, "ko").await.expect("a payment is asked for")
    }

    /// Asks for it, and the customer agrees. Returns the payment as PayPal knows it, too.
    pub async fn approved(&self, order: OrderId) -> (Intent, String) {
        let intent = self.begin(order).await;
        let payment = intent.reference.clone().expect("PayPal knows it");
        let back = self.paypal.approve(&payment);
        assert!(back.contains(&format!("/orders/{order}/paid/?intent={}", intent.id)), "{back}");
        (intent, payment)
    }

    /// Delivers a notice as PayPal does; the status that it is answered with.
    pub async fn deliver(&self, notice: &Notice) -> u16 {
        self.deliver_as(notice, &Delivery::default()).await
    }

    pub async fn deliver_as(&self, notice: &Notice, delivery: &Delivery) -> u16 {
        self.paypal.deliver(notice, &self.till.webhook, delivery).await
    }

    /// Handles all that is due.
    pub async fn work_off(&self) {
        while self.till.payments.work_off().await.expect("it is handled") {}
    }

    /// What happened to an order, but for its lines and its placing.
    pub async fn happened(&self, order: OrderId) -> Vec<String> {
        happened(&self.shop, order).await
    }

    /// The payments of an order: type, reference and amount.
    pub async fn payments(&self, order: OrderId) -> Vec<(String, String, String)> {
        let rows: Vec<(String, Value)> = sqlx::query_as(
            "SELECT event_type, payload FROM events
              WHERE aggregate_id = $1 AND event_type IN ('PaymentRecorded', 'PaymentFlagged') ORDER BY sequence",
        )
        .bind(order.to_string())
        .fetch_all(&self.shop.db.pool().await)
        .await
        .unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.into_iter()
            .map(|(kind, payload)| {
                // Payloads are tagged by their type.
                let payload = payload.get(&kind).unwrap_or(&payload);
                let amount = text(&payload["amount"]["amount"]);
                (kind.clone(), text(&payload["reference"]), amount)
            })
            .collect()
    }

    /// A payment: how it stands, when it is taken up again (in seconds, as far as payments go by time), and why.
    pub async fn stands(&self, intent: Uuid) -> (String, Option<i64>, Option<String>) {
        let (state, due_at, reason): (String, Option<DateTime<Utc>>, Option<String>) = sqlx::query_as(
            "SELECT state, CASE WHEN due_at < 'infinity' THEN due_at END, reason FROM payment_intents WHERE id = $1",
        )
        .bind(intent)
        .fetch_one(&self.shop.db.pool().await)
        .await
        .unwrap();
        (state, due_at.map(|due_at| (due_at - self.hours.clock().now()).num_seconds()), reason)
    }

    /// The notices that were kept: state and outcome.
    pub async fn notices(&self) -> Vec<(String, Option<String>)> {
        sqlx::query_as("SELECT state, outcome FROM payment_notices ORDER BY id")
            .fetch_all(&self.shop.db.pool().await)
            .await
            .unwrap()
    }

    /// The order as clients see it.
    pub async fn order(&self, order: OrderId) -> Reply {
        self.front.get(&format!("/v1/orders/{order}")).await.is(200)
    }

    /// Holds an order to having been paid by one payment, once.
    #[track_caller]
    pub fn paid_once(&self, happened: &[String]) {
        assert_eq!(happened, ["PaymentRecorded", "OrderPaid"]);
        assert_eq!(self.paypal.captures(), 1, "the money was taken once");
    }
}

/// What happened to an order, but for its lines and its placing.
pub async fn happened(shop: &Shop, order: OrderId) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT event_type FROM events
          WHERE aggregate_id = $1 AND event_type NOT IN ('ItemAdded', 'OrderPlaced') ORDER BY sequence",
    )
    .bind(order.to_string())
    .fetch_all(&shop.db.pool().await)
    .await
    .unwrap()
}

async fn till(shop: &Shop, paypal: &paypal::PayPal, hours: &Hours, ask_at_most: Duration) -> Till {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let pool = db::connect(&shop.db.app_url(), 6).await.unwrap();
    let log = Log::open(pool, stop.clone(), &tasks).await.unwrap();
    let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.unwrap();
    let gateway = Gateway::open(log.clone(), catalogue, GatewaySettings::default(), stop.clone(), &tasks);
    let views = Views::new(log.clone(), Settings { time_zone: chrono_tz::UTC });
    let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ServerSettings::default()).await.unwrap();
    let listens_at = server.address();
    let settings = HttpSettings {
        payments: PaymentSettings {
            provider: ChosenProvider::Other(Arc::new(client(paypal, hours))),
            listens_at,
            ask_at_most,
        },
        sessions: SessionSettings { clock: hours.clock(), ..SessionSettings::default() },
        ..HttpSettings::default()
    };
    let app = App::new(gateway, log, views, Readiness::default(), settings);
    let payments = app.payments.clone();
    tokio::spawn(server.run(app.router(), stop.clone()));
    let webhook = format!("http://{listens_at}/payments/paypal/webhook");
    Till { payments, webhook, _stop_on_drop: stop.clone().drop_guard(), stop }
}

fn client(paypal: &paypal::PayPal, hours: &Hours) -> PayPal {
    let settings = PayPalSettings {
        base_url: paypal.base_url().parse().unwrap(),
        client_id: paypal::CLIENT_ID.to_owned(),
        client_secret: Secret::from(paypal::CLIENT_SECRET),
        webhook_id: paypal::WEBHOOK_ID.to_owned(),
        authority: Some(paypal.authority()),
        patience: PATIENCE,
        clock: hours.clock(),
    };
    PayPal::new(settings).expect("PayPal can be used")
}
