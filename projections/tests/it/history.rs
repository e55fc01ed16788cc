//! What happened, as a test tells it, and the log that it stands in.

use chrono::{DateTime, TimeDelta, Utc};
use domain::category::CategoryEvent;
use domain::ids::{OrderNumber, SubjectId};
use domain::newsletter::NewsletterEvent;
use domain::order::{
    Customer, EmailCorrected, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentConflict, PaymentFlagged,
    PaymentRecorded, ShippingAddress,
};
use domain::product::{
    ProductAdded, ProductDescribed, ProductEvent, ProductRepriced, ProductRestored, ProductWithdrawn,
};
use domain::text::{City, Email, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress};
use domain::{AggregateType, Event, Metadata, Money, Quantity, Sku, wire};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::Db;
use uuid::Uuid;

/// One event to append.
#[derive(Debug, Clone)]
pub struct Happened {
    pub kind: AggregateType,
    pub id: String,
    pub event: Event,
    pub at: DateTime<Utc>,
}

pub fn usd(amount: &str) -> Money {
    Money::parse(amount, "USD").unwrap()
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn line(sku: &str, unit_price: Money, quantity: u32) -> Line {
    Line {
        sku: Sku::parse(sku).unwrap(),
        name: ProductName::parse(&format!("The {sku}")).unwrap(),
        unit_price,
        quantity: Quantity::try_from(quantity).unwrap(),
    }
}

pub fn customer(email: &str) -> Customer {
    Customer {
        subject_id: SubjectId(Uuid::now_v7()),
        first_name: PersonName::parse("Ada").unwrap(),
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

/// An order that things happen to.
#[derive(Debug, Clone)]
pub struct AnOrder {
    pub id: Uuid,
    pub number: u64,
    pub customer: Arc<Customer>,
    pub lines: Vec<Line>,
    pub paid_amount: Money,
}

impl AnOrder {
    pub fn of(email: &str, lines: Vec<Line>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1001);
        let paid_amount = Money::zero(lines[0].unit_price.currency());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { id: Uuid::now_v7(), number, customer: Arc::new(customer(email)), lines, paid_amount }
    }

    pub fn total(&self) -> Money {
        let zero = Money::zero(self.paid_amount.currency());
        self.lines.iter().fold(zero, |sum, line| sum.checked_add(line.cost().unwrap()).unwrap())
    }

    /// A checkout: a line at a time, then the whole.
    pub fn placed(&self, at: DateTime<Utc>) -> Vec<Happened> {
        let mut total = Money::zero(self.paid_amount.currency());
        let mut events: Vec<Event> = Vec::new();
        for line in &self.lines {
            total = total.checked_add(line.cost().unwrap()).unwrap();
            events.push(Event::Order(ItemAdded { line: line.clone(), total }.into()));
        }
        let (number, customer) = (OrderNumber(self.number), Arc::clone(&self.customer));
        let placed = OrderPlaced { number, customer, lines: self.lines.clone().into(), total };
        events.push(Event::Order(placed.into()));
        if total.is_zero() {
            events.push(self.paid_event());
        }
        events.into_iter().map(|event| self.happened(event, at)).collect()
    }

    pub fn item_added(&mut self, line: Line, at: DateTime<Utc>) -> Vec<Happened> {
        domain::order::merge_line(&mut self.lines, &line);
        vec![self.happened(Event::Order(ItemAdded { line, total: self.total() }.into()), at)]
    }

    /// A payment; with it the order is paid once it covers the total.
    pub fn payment(&mut self, amount: Money, at: DateTime<Utc>) -> Vec<Happened> {
        self.paid_amount = self.paid_amount.checked_add(amount).unwrap();
        let reference = PaymentReference::parse(&format!("p-{}", self.paid_amount.amount())).unwrap();
        let recorded = PaymentRecorded { reference, amount, paid_amount: self.paid_amount };
        let mut events = vec![self.happened(Event::Order(recorded.into()), at)];
        if self.paid_amount == self.total() {
            events.push(self.happened(self.paid_event(), at));
        }
        events
    }

    /// Its mails go to another address from now on.
    pub fn corrected(&mut self, email: &str, at: DateTime<Utc>) -> Vec<Happened> {
        Arc::make_mut(&mut self.customer).email = Email::parse(email).unwrap();
        let (number, customer) = (OrderNumber(self.number), Arc::clone(&self.customer));
        let corrected = EmailCorrected { number, customer, lines: self.lines.clone().into(), total: self.total() };
        vec![self.happened(Event::Order(corrected.into()), at)]
    }

    /// A provider says what does not fit.
    pub fn flagged(&self, at: DateTime<Utc>) -> Vec<Happened> {
        let reference = PaymentReference::parse("pi_1").unwrap();
        let flagged =
            PaymentFlagged { reference, amount: self.total(), conflict: PaymentConflict::AboveBalance, payment: None };
        vec![self.happened(Event::Order(flagged.into()), at)]
    }

    /// A provider takes back what was paid, or says that it is to be looked at.
    pub fn taken_back(&self, amount: Money, conflict: PaymentConflict, at: DateTime<Utc>) -> Vec<Happened> {
        let reference = PaymentReference::parse(&format!("back-{}", at.timestamp_millis())).unwrap();
        let flagged = PaymentFlagged { reference, amount, conflict, payment: None };
        vec![self.happened(Event::Order(flagged.into()), at)]
    }

    fn paid_event(&self) -> Event {
        let (number, customer) = (OrderNumber(self.number), Arc::clone(&self.customer));
        let paid = OrderPaid { number, customer, lines: self.lines.clone().into(), total: self.total() };
        Event::Order(OrderEvent::from(paid))
    }

    fn happened(&self, event: Event, at: DateTime<Utc>) -> Happened {
        Happened { kind: AggregateType::Order, id: self.id.to_string(), event, at }
    }
}

pub fn product(sku: &str, event: impl Into<ProductEvent>, at: DateTime<Utc>) -> Vec<Happened> {
    vec![Happened { kind: AggregateType::Product, id: sku.to_owned(), event: Event::Product(event.into()), at }]
}

pub fn added(sku: &str, price: Money) -> ProductAdded {
    let name = ProductName::parse(&format!("The {sku}")).unwrap();
    ProductAdded { sku: Sku::parse(sku).unwrap(), name, description: None, price }
}

pub fn described(sku: &str, name: &str) -> ProductDescribed {
    let name = ProductName::parse(name).unwrap();
    ProductDescribed { sku: Sku::parse(sku).unwrap(), name, description: None }
}

pub fn category(slug: &str, event: impl Into<CategoryEvent>, at: DateTime<Utc>) -> Vec<Happened> {
    vec![Happened { kind: AggregateType::Category, id: slug.to_owned(), event: Event::Category(event.into()), at }]
}

pub fn newsletter(id: Uuid, event: impl Into<NewsletterEvent>, at: DateTime<Utc>) -> Vec<Happened> {
    let (kind, id) = (AggregateType::Newsletter, id.as_hyphenated().to_string());
    vec![Happened { kind, id, event: Event::Newsletter(event.into()), at }]
}

pub fn repriced(sku: &str, price: Money, previous_price: Money) -> ProductRepriced {
    ProductRepriced { sku: Sku::parse(sku).unwrap(), price, previous_price }
}

pub fn withdrawn(sku: &str) -> ProductWithdrawn {
    ProductWithdrawn { sku: Sku::parse(sku).unwrap() }
}

pub fn restored(sku: &str) -> ProductRestored {
    ProductRestored { sku: Sku::parse(sku).unwrap() }
}

/// A log to append to, as the gateway does it: dense positions under the log's lock, one transaction for all.
pub struct History {
    pool: PgPool,
    sequences: HashMap<String, i64>,
}

impl History {
    pub async fn of(db: &Db) -> Self {
        Self { pool: db.pool().await, sequences: HashMap::new() }
    }

    /// Appends all in one transaction and wakes the readers; returns the last position.
    pub async fn append(&mut self, events: Vec<Happened>) -> u64 {
        self.write(events, |_, version| version.to_owned(), None).await
    }

    /// The same with the event types' versions changed.
    pub async fn append_as(&mut self, events: Vec<Happened>, version: impl Fn(&str, &str) -> String) -> u64 {
        self.write(events, version, None).await
    }

    /// The same, recorded at a time of the past.
    pub async fn append_at(&mut self, events: Vec<Happened>, at: DateTime<Utc>) -> u64 {
        self.write(events, |_, version| version.to_owned(), Some(at)).await
    }

    async fn write(
        &mut self,
        events: Vec<Happened>,
        version: impl Fn(&str, &str) -> String,
        at: Option<DateTime<Utc>>,
    ) -> u64 {
        let mut columns: [Vec<String>; 6] = Default::default();
        let (mut sequences, mut ids) = (Vec::new(), Vec::new());
        for happened in events {
            let encoded = wire::encode(&happened.event);
            let metadata = Metadata {
                occurred_at: happened.at,
                actor: "test".to_owned(),
                correlation_id: "one".to_owned(),
                causation_id: None,
                traceparent: None,
                locale: None,
            };
            let sequence = self.sequences.entry(happened.id.clone()).or_insert(0);
            *sequence += 1;
            sequences.push(*sequence);
            ids.push(Uuid::now_v7());
            let texts = [
                happened.kind.to_string(),
                happened.id,
                encoded.event_type.to_owned(),
                version(encoded.event_type, encoded.event_version),
                encoded.payload,
                serde_json::to_string(&metadata).unwrap(),
            ];
            columns.iter_mut().zip(texts).for_each(|(column, text)| column.push(text));
        }
        let mut insert = sqlx::query_scalar(
            "WITH head AS MATERIALIZED (SELECT last_position, at FROM log_lock()), appended AS (
                 INSERT INTO events (aggregate_type, aggregate_id, event_type, event_version, payload, metadata,
                                     sequence, event_id, position, recorded_at)
                 SELECT e.kind, e.id, e.type, e.version, e.payload::json, e.metadata::json, e.sequence, e.event_id,
                        head.last_position + e.nth, coalesce($9, head.at)
                   FROM head, unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                                     $7::bigint[], $8::uuid[])
                        WITH ORDINALITY AS e(kind, id, type, version, payload, metadata, sequence, event_id, nth)
                 RETURNING position)
             SELECT max(position) FROM appended",
        );
        for column in columns {
            insert = insert.bind(column);
        }
        let last: i64 = insert.bind(sequences).bind(ids).bind(at).fetch_one(&self.pool).await.unwrap();
        sqlx::query("SELECT pg_notify('orders_log', $1)").bind(last.to_string()).execute(&self.pool).await.unwrap();
        last.unsigned_abs()
    }
}

/// Orders of one line each.
pub fn many_orders(count: u32) -> Vec<AnOrder> {
    (0..count).map(|n| AnOrder::of(&format!("c{n}@example.com"), vec![line("TEA", usd("12.50"), 1 + n % 5)])).collect()
}

pub fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}
