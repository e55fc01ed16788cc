//! A shop to test: a gateway of its own, as a process of the program has it, with a few products.

use chrono::Utc;
use commands::{
    Aggregate, Answer, Catalogue, CommandError, Context, Done, Gateway, GatewaySettings, IdempotencyKey, Log, Snapshot,
    Submission, db,
};
use domain::ids::{OrderId, OrderNumber, SubjectId};
use domain::money::Money;
use domain::order::{Command, Customer, Order, Place, RequestedItem, ShippingAddress};
use domain::product::{self, Product};
use domain::quantity::Quantity;
use domain::sku::Sku;
use domain::text::{City, Email, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress};
use std::sync::Arc;
use testkit::postgres::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// What one process of the program holds.
pub struct Shop {
    pub log: Log,
    pub catalogue: Catalogue,
    pub gateway: Gateway,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

impl Shop {
    /// Opens a process's worth on `db`.
    pub async fn open(db: &Db) -> Self {
        Self::open_url(&db.app_url()).await
    }

    pub async fn open_url(url: &str) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pool = db::connect(url, 8).await.expect("a pool");
        let log = Log::open(pool, stop.clone(), &tasks).await.expect("a log");
        let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.expect("a catalogue");
        let settings = GatewaySettings::default();
        let gateway = Gateway::open(log.clone(), catalogue.clone(), settings, stop.clone(), &tasks);
        let _stop_on_drop = stop.clone().drop_guard();
        Self { log, catalogue, gateway, stop, tasks, _stop_on_drop }
    }

    /// The same with tea and a cup in the catalogue.
    pub async fn with_products(db: &Db) -> Self {
        let shop = Self::open(db).await;
        shop.add_product("TEA", "12.50").await;
        shop.add_product("CUP", "8.00").await;
        shop
    }

    pub async fn add_product(&self, sku: &str, price: &str) {
        let command = product::Command::Add {
            sku: Sku::parse(sku).unwrap(),
            name: ProductName::parse(&format!("The {sku}")).unwrap(),
            description: None,
            price: Money::parse(price, "USD").unwrap(),
            presentation: domain::product::Presentation::default(),
        };
        self.on_product(sku, command).await.expect("the product is added");
    }

    pub async fn on_product(&self, sku: &str, command: product::Command) -> Result<Done, CommandError<Product>> {
        self.gateway.submit(submission(sku, command)).await
    }

    /// Places an order of one line and says its id.
    pub async fn place(&self, sku: &str, quantity: u32) -> String {
        let (id, done) = self.try_place(sku, quantity, None).await;
        done.expect("the order is placed");
        id
    }

    pub async fn try_place(
        &self,
        sku: &str,
        quantity: u32,
        key: Option<IdempotencyKey>,
    ) -> (String, Result<Done, CommandError<Order>>) {
        let number = match self.gateway.next_order_number().await {
            Ok(number) => number,
            Err(error) => return (OrderId(Uuid::now_v7()).to_string(), Err(error.into())),
        };
        let mut submission = placing(number, sku, quantity);
        submission.key = key;
        let id = submission.id.clone();
        (id, self.gateway.submit(submission).await)
    }

    pub async fn pay(&self, id: &str, reference: &str, amount: &str) -> Result<Done, CommandError<Order>> {
        self.gateway.submit(submission(id, payment(reference, amount))).await
    }

    pub async fn add_item(&self, id: &str, sku: &str, quantity: u32) -> Result<Done, CommandError<Order>> {
        self.gateway.submit(submission(id, Command::AddItem(item(sku, quantity)))).await
    }

    pub async fn order(&self, id: &str) -> Arc<Snapshot<Order>> {
        self.gateway.load(id).await.expect("the order can be read")
    }
}

/// An order of one line, ready to be handed in.
pub fn placing(number: OrderNumber, sku: &str, quantity: u32) -> Submission<Order> {
    let items = vec![item(sku, quantity)];
    let place = Place { number, customer: Arc::new(ada()), items, expected_total: None };
    let mut submission = submission(&OrderId(Uuid::now_v7()).to_string(), Command::Place(place));
    submission.fresh_id = true;
    submission
}

pub fn payment(reference: &str, amount: &str) -> Command {
    let reference = PaymentReference::parse(reference).unwrap();
    Command::RecordPayment { reference, amount: Money::parse(amount, "USD").unwrap() }
}

pub fn item(sku: &str, quantity: u32) -> RequestedItem {
    RequestedItem { sku: Sku::parse(sku).unwrap(), quantity: Quantity::try_from(quantity).unwrap() }
}

pub fn ada() -> Customer {
    Customer {
        subject_id: SubjectId(Uuid::now_v7()),
        first_name: PersonName::parse("Ada").unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        email: Email::parse("ada@example.com").unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse("12 St James's Square").unwrap(),
            postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
            city: City::parse("London").unwrap(),
            country: None,
        }),
    }
}

/// A submission whose answer tells the version and the state.
pub fn submission<A: Aggregate>(id: &str, command: A::Command) -> Submission<A> {
    Submission {
        id: id.to_owned(),
        command,
        fresh_id: false,
        expected_version: None,
        context: Context {
            actor: "test".to_owned(),
            correlation_id: "one".to_owned(),
            causation_id: None,
            traceparent: None,
            locale: Some("en".to_owned()),
            occurred_at: Utc::now(),
        },
        key: None,
        answer: Arc::new(|snapshot| Answer {
            status: 200,
            location: Some(format!("/{}", snapshot.id)),
            etag: Some(format!("\"{}\"", snapshot.version)),
            body: serde_json::json!({ "id": snapshot.id, "version": snapshot.version }).to_string(),
        }),
        admission: None,
    }
}

/// Looks at the whole log as a reader does, and holds it to what every reader relies on.
pub async fn check_log(log: &Log) -> u64 {
    let (mut after, mut seen, mut recorded_at) = (domain::Position::ORIGIN, 0, chrono::DateTime::UNIX_EPOCH);
    let mut versions = std::collections::HashMap::new();
    loop {
        let events = log.read(after, 1_000).await.expect("the log can be read");
        let Some(last) = events.last() else { return seen };
        after = last.position;
        for event in &events {
            seen += 1;
            assert_eq!(event.position.0, seen, "positions are dense");
            assert!(event.recorded_at >= recorded_at, "time runs backwards at {seen}");
            recorded_at = event.recorded_at;
            let version: &mut u64 =
                versions.entry((event.aggregate_type.clone(), event.aggregate_id.clone())).or_default();
            *version += 1;
            assert_eq!(event.sequence, *version, "a stream is dense at {seen}");
            event.recorded().expect("every event can be read");
        }
    }
}
