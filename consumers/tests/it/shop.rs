//! Orders to relay and to mail about.

use chrono::Utc;
use commands::{Aggregate, Answer, Catalogue, Context, Gateway, GatewaySettings, Log, Submission, db};
use domain::Position;
use domain::ids::{OrderId, SubjectId};
use domain::money::Money;
use domain::newsletter::{self, IssueContent, IssueWords, Newsletter};
use domain::order::{Command, Customer, Place, RequestedItem, ShippingAddress};
use domain::product;
use domain::quantity::Quantity;
use domain::sku::Sku;
use domain::text::{
    City, Email, IssueSubject, IssueText, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress,
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// A shop on a database of its own, with one product: `TEA` for 12.50 USD.
pub struct Shop {
    pub db: Db,
    pub log: Log,
    gateway: Gateway,
    _stop: DropGuard,
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    pub id: String,
    pub number: String,
    pub email: String,
}

impl Shop {
    pub async fn open() -> Self {
        let shop = Self::open_on(Db::new().await).await;
        shop.add_product("TEA", "Green tea <& cake>").await;
        shop
    }

    /// The same shop in another process.
    pub async fn reopened(self) -> Self {
        Self::open_on(self.db).await
    }

    async fn open_on(db: Db) -> Self {
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let pool = db::connect(&db.app_url(), 8).await.unwrap();
        let log = Log::open(pool, stop.clone(), &tracker).await.unwrap();
        let catalogue = Catalogue::open(log.clone(), stop.clone(), &tracker).await.unwrap();
        let gateway = Gateway::open(log.clone(), catalogue, GatewaySettings::default(), stop.clone(), &tracker);
        Self { db, log, gateway, _stop: stop.drop_guard() }
    }

    pub fn pool(&self) -> &PgPool {
        self.log.pool()
    }

    pub async fn add_product(&self, sku: &str, name: &str) {
        let command = product::Command::Add {
            sku: Sku::parse(sku).unwrap(),
            name: ProductName::parse(name).unwrap(),
            description: None,
            price: Money::parse("12.50", "USD").unwrap(),
            presentation: domain::product::Presentation::default(),
        };
        self.gateway.submit(submission::<domain::product::Product>(sku, command)).await.expect("it is added");
    }

    /// Places an order of two teas, by a customer of that first name with an address of their own.
    pub async fn place(&self, first_name: &str) -> Order {
        self.place_for(first_name, &format!("{}.{}@example.com", first_name.to_lowercase(), Uuid::now_v7())).await
    }

    /// The same by a customer of that address.
    pub async fn place_for(&self, first_name: &str, email: &str) -> Order {
        let id = OrderId(Uuid::now_v7()).to_string();
        let number = self.gateway.next_order_number().await.unwrap();
        let place = Place {
            number,
            customer: Arc::new(customer(first_name, email)),
            items: vec![RequestedItem { sku: Sku::parse("TEA").unwrap(), quantity: Quantity::try_from(2).unwrap() }],
            expected_total: None,
        };
        let placed = submission::<domain::order::Order>(&id, Command::Place(place));
        self.gateway.submit(Submission { fresh_id: true, ..placed }).await.expect("it is placed");
        Order { id, number: number.to_string(), email: email.to_owned() }
    }

    /// Places many orders, several at a time.
    pub async fn place_many(&self, count: usize) -> Vec<Order> {
        use futures::StreamExt;
        futures::stream::iter(0..count).map(|_| self.place("Ada")).buffer_unordered(32).collect().await
    }

    /// Corrects where an order's mails go; says where in the log that stands.
    pub async fn correct(&self, order: &Order, email: &str) -> Position {
        let command = Command::CorrectEmail { email: Email::parse(email).unwrap() };
        let corrected = self.gateway.submit(submission::<domain::order::Order>(&order.id, command)).await;
        corrected.expect("it is corrected").position
    }

    /// Pays an order in full.
    pub async fn pay(&self, order: &Order) {
        let reference = PaymentReference::parse("till-1").unwrap();
        let command = Command::RecordPayment { reference, amount: Money::parse("25.00", "USD").unwrap() };
        self.gateway.submit(submission::<domain::order::Order>(&order.id, command)).await.expect("it is paid");
    }

    /// Writes an issue of the newsletter and releases it; says which.
    pub async fn release_issue(&self) -> Uuid {
        let words = IssueWords {
            subject: IssueSubject::parse("The first flush").unwrap(),
            text: IssueText::parse("It is here.").unwrap(),
        };
        let id = Uuid::now_v7();
        let content = IssueContent { words, translations: BTreeMap::new() };
        for command in [newsletter::Command::Draft(content), newsletter::Command::Release] {
            self.gateway.submit(submission::<Newsletter>(&id.to_string(), command)).await.expect("it is released");
        }
        id
    }

    /// Every entry of the ledger: the order's id, the event's type and the state.
    pub async fn ledger(&self) -> Vec<(String, String, String)> {
        sqlx::query_as("SELECT aggregate_id, event_type, state FROM consumer_ledger ORDER BY position, id")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// The state of one entry, if there is one.
    pub async fn state(&self, order: &Order, event_type: &str) -> Option<String> {
        sqlx::query_scalar("SELECT state FROM consumer_ledger WHERE aggregate_id = $1 AND event_type = $2")
            .bind(&order.id)
            .bind(event_type)
            .fetch_optional(self.pool())
            .await
            .unwrap()
    }

    /// Waits until the entry is in that state.
    pub async fn until(&self, order: &Order, event_type: &str, state: &str) {
        let what = format!("{event_type} of order {} is {state}", order.number);
        testkit::eventually(&what, super::process::SOON, async || match self.state(order, event_type).await {
            Some(now) if now == state => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }
}

fn customer(first_name: &str, email: &str) -> Customer {
    Customer {
        subject_id: SubjectId(Uuid::now_v7()),
        first_name: PersonName::parse(first_name).unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        email: Email::parse(email).unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse("12 St James's Square").unwrap(),
            postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
            city: City::parse("London").unwrap(),
            country: None,
        }),
    }
}

fn submission<A: Aggregate>(id: &str, command: A::Command) -> Submission<A> {
    Submission {
        id: id.to_owned(),
        command,
        fresh_id: false,
        expected_version: None,
        context: Context {
            actor: "test".to_owned(),
            correlation_id: "one request".to_owned(),
            causation_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            locale: Some("en".to_owned()),
            occurred_at: Utc::now(),
        },
        key: None,
        answer: Arc::new(|_| Answer { status: 200, location: None, etag: None, body: String::new() }),
        admission: None,
    }
}
