//! Orders of earlier days.

use chrono::{DateTime, TimeDelta, Utc};
use commands::{Answer, Catalogue, Context, Gateway, GatewaySettings, Log, Submission, db};
use domain::ids::{OrderId, SubjectId};
use domain::order::{Command, Customer, Order, Place, RequestedItem, Reversal, ShippingAddress};
use domain::text::{City, Country, Email, PaymentReference, PersonName, PostalCode, StreetAddress};
use domain::{Money, Position, Quantity, Sku};
use std::sync::Arc;
use testkit::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// A way in for commands whose time is told.
pub struct Past {
    gateway: Gateway,
    _stop_on_drop: DropGuard,
}

impl Past {
    pub async fn of(db: &Db) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pool = db::connect(&db.app_url(), 4).await.unwrap();
        let log = Log::open(pool, stop.clone(), &tasks).await.unwrap();
        let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.unwrap();
        let gateway = Gateway::open(log, catalogue, GatewaySettings::default(), stop.clone(), &tasks);
        Self { gateway, _stop_on_drop: stop.drop_guard() }
    }

    /// An order that was sent to a city, and paid so much later, if at all; says up to where the log has it.
    pub async fn sold(
        &self,
        at: DateTime<Utc>,
        items: &[(&str, u32)],
        city: &str,
        paid_after: Option<TimeDelta>,
    ) -> Position {
        self.ordered(at, items, city, paid_after).await.1
    }

    /// The same, with a part of the payment taken back after a minute.
    pub async fn taken_back(
        &self,
        at: DateTime<Utc>,
        items: &[(&str, u32)],
        amount: Money,
        reversal: Reversal,
    ) -> Position {
        let (id, _) = self.ordered(at, items, "London", Some(TimeDelta::zero())).await;
        let (reference, payment) = (PaymentReference::parse("r-1").unwrap(), PaymentReference::parse("p-1").ok());
        let command = Command::NoteReversal { reference, amount, reversal, payment };
        self.gateway.submit(submission(&id, command, at + TimeDelta::minutes(1))).await.unwrap().position
    }

    async fn ordered(
        &self,
        at: DateTime<Utc>,
        items: &[(&str, u32)],
        city: &str,
        paid_after: Option<TimeDelta>,
    ) -> (String, Position) {
        let (number, id) = (self.gateway.next_order_number().await.unwrap(), OrderId(Uuid::now_v7()).to_string());
        let item = |(sku, quantity): &(&str, u32)| RequestedItem {
            sku: Sku::parse(sku).unwrap(),
            quantity: Quantity::try_from(*quantity).unwrap(),
        };
        let items = items.iter().map(item).collect();
        let place = Place { number, customer: Arc::new(customer(city)), items, expected_total: None };
        let placed = self.gateway.submit(submission(&id, Command::Place(place), at)).await.unwrap();
        let Some(after) = paid_after else { return (id, placed.position) };
        let order = self.gateway.load::<Order>(&id).await.unwrap();
        let Order::Placed(order) = &order.state else { panic!("{id} is not placed") };
        let reference = PaymentReference::parse("p-1").unwrap();
        let payment = Command::RecordPayment { reference, amount: order.total };
        let paid = self.gateway.submit(submission(&id, payment, at + after)).await.unwrap();
        (id, paid.position)
    }
}

fn customer(city: &str) -> Customer {
    Customer {
        subject_id: SubjectId(Uuid::now_v7()),
        first_name: PersonName::parse("Ada").unwrap(),
        last_name: PersonName::parse("Lovelace").unwrap(),
        email: Email::parse("ada@example.com").unwrap(),
        shipping_address: Some(ShippingAddress {
            address: StreetAddress::parse("12 St James's Square").unwrap(),
            postal_code: PostalCode::parse("SW1Y 4JH").unwrap(),
            city: City::parse(city).unwrap(),
            country: Some(Country::parse("GB").unwrap()),
        }),
    }
}

fn submission(id: &str, command: Command, occurred_at: DateTime<Utc>) -> Submission<Order> {
    let (actor, correlation_id) = ("tests".to_owned(), Uuid::now_v7().to_string());
    let context = Context { actor, correlation_id, causation_id: None, traceparent: None, locale: None, occurred_at };
    let nothing = Answer { status: 200, location: None, etag: None, body: String::new() };
    Submission {
        id: id.to_owned(),
        command,
        fresh_id: false,
        expected_version: None,
        context,
        key: None,
        answer: Arc::new(move |_| nothing.clone()),
        admission: None,
    }
}
