//! A long history, made quickly: events as the program stores them, written by `COPY`.

use crate::orders::{ADDRESSES, CATALOGUE, FIRST_NAMES, LAST_NAMES, LINES, email, pick};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{OrderNumber, SubjectId};
use domain::order::{Customer, ItemAdded, Line, OrderEvent, OrderPaid, OrderPlaced, PaymentRecorded, ShippingAddress};
use domain::product::{ProductAdded, ProductEvent};
use domain::text::{City, Country, Email, PaymentReference, PersonName, PostalCode, ProductName, StreetAddress};
use domain::wire::{self, Encoded};
use domain::{Event, Metadata, Money, Quantity, Sku};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use uuid::{NoContext, Timestamp, Uuid};

const CURRENCY: &str = "USD";
/// Bytes that are handed to PostgreSQL at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that may wait for PostgreSQL.
const CHUNKS_AHEAD: usize = 8;
/// Time between two orders of a made-up history.
const BETWEEN_ORDERS: TimeDelta = TimeDelta::milliseconds(5);

/// An order's history, ready to be stored.
pub struct StoredOrder {
    pub id: Uuid,
    pub events: Vec<Encoded>,
    /// Of all its events.
    pub metadata: String,
}

/// Makes histories of orders.
pub struct Generator {
    random: SmallRng,
    number: u64,
    products: Vec<(Sku, ProductName, Money)>,
}

impl Generator {
    /// The first order has the number behind this.
    pub fn new(number: u64) -> Self {
        Self { random: SmallRng::seed_from_u64(number), number, products: products() }
    }

    /// A placed order of up to three lines.
    pub fn order(&mut self, lines: usize, at: DateTime<Utc>) -> StoredOrder {
        self.history(lines, Payments::None, at)
    }

    /// An order and its payments.
    fn history(&mut self, lines: usize, payments: Payments, at: DateTime<Utc>) -> StoredOrder {
        self.number += 1;
        let number = OrderNumber(self.number);
        let (lines, customer) = (self.lines(lines), self.customer());
        let mut total = Money::zero(lines[0].unit_price.currency());
        let mut events = Vec::with_capacity(lines.len() + 3);
        for line in &lines {
            total = line.cost().and_then(|cost| total.checked_add(cost)).expect("small sums");
            events.push(encode(ItemAdded { line: line.clone(), total }));
        }
        let lines: Arc<[Line]> = lines.into();
        let placed = OrderPlaced { number, customer: Arc::clone(&customer), lines: Arc::clone(&lines), total };
        events.push(encode(placed));
        match payments {
            Payments::None => {}
            Payments::Whole => {
                events.push(encode(payment(number, 1, total, total)));
                events.push(encode(OrderPaid { number, customer, lines, total }));
            }
            Payments::Small(count) => {
                let cent = Money::parse("0.01", CURRENCY).expect("a cent");
                let mut paid_amount = Money::zero(total.currency());
                for nth in 1..=count {
                    paid_amount = paid_amount.checked_add(cent).expect("small sums");
                    events.push(encode(payment(number, nth, cent, paid_amount)));
                }
            }
        }
        StoredOrder { id: id_of(at), events, metadata: metadata(at) }
    }

    fn lines(&mut self, count: usize) -> Vec<Line> {
        let picked = pick(&mut self.random);
        let line = |(sku, _, _): &(&str, &str, u32)| {
            let (sku, name, unit_price) =
                self.products.iter().find(|(known, _, _)| known.as_str() == *sku).expect("a product of ours").clone();
            let quantity = Quantity::try_from(self.random.random_range(1..6)).expect("a small number");
            Line { sku, name, unit_price, quantity }
        };
        picked.iter().take(count).map(line).collect()
    }

    fn customer(&mut self) -> Arc<Customer> {
        let random = &mut self.random;
        let (address, postal_code, city, country) = ADDRESSES[random.random_range(0..ADDRESSES.len())];
        let person = |text: &str| PersonName::parse(text).expect("a name");
        Arc::new(Customer {
            subject_id: SubjectId(Uuid::from_u128(random.random())),
            first_name: person(FIRST_NAMES[random.random_range(0..FIRST_NAMES.len())]),
            last_name: person(LAST_NAMES[random.random_range(0..LAST_NAMES.len())]),
            email: Email::parse(&email(random)).expect("an address"),
            shipping_address: Some(ShippingAddress {
                address: StreetAddress::parse(address).expect("a street"),
                postal_code: PostalCode::parse(postal_code).expect("a code"),
                city: City::parse(city).expect("a city"),
                country: Some(Country::parse(country).expect("a country")),
            }),
        })
    }
}

/// How a made-up order is paid.
#[derive(Debug, Clone, Copy)]
enum Payments {
    None,
    Whole,
    /// So many, a cent each.
    Small(u64),
}

fn payment(number: OrderNumber, nth: u64, amount: Money, paid_amount: Money) -> PaymentRecorded {
    let reference = PaymentReference::parse(&format!("till-{number}-{nth}")).expect("a reference");
    PaymentRecorded { reference, amount, paid_amount }
}

fn encode(event: impl Into<OrderEvent>) -> Encoded {
    wire::encode(&Event::Order(event.into()))
}

/// An id as it would have been made then: later ones sort later.
fn id_of(at: DateTime<Utc>) -> Uuid {
    Uuid::new_v7(Timestamp::from_unix(NoContext, at.timestamp().cast_unsigned(), at.timestamp_subsec_nanos()))
}

fn metadata(at: DateTime<Utc>) -> String {
    let metadata = Metadata {
        occurred_at: at,
        actor: "key:0192d1f0-0000-7000-8000-000000000001".to_owned(),
        correlation_id: id_of(at).to_string(),
        causation_id: None,
        traceparent: None,
        locale: None,
    };
    serde_json::to_string(&metadata).expect("texts are JSON")
}

fn products() -> Vec<(Sku, ProductName, Money)> {
    let product = |(sku, name, cents): (&str, &str, u32)| {
        let price = Money::parse(&format!("{}.{:02}", cents / 100, cents % 100), CURRENCY).expect("a price");
        (Sku::parse(sku).expect("a sku"), ProductName::parse(name).expect("a name"), price)
    };
    CATALOGUE.into_iter().map(product).collect()
}

/// Puts the catalogue into an empty log. `pool` is one of the superuser.
pub async fn catalogue(pool: &PgPool) {
    let mut rows = Rows { position: 0, text: String::new() };
    let at = Utc::now();
    for (sku, name, price) in products() {
        let id = sku.as_str().to_owned();
        let added: ProductEvent = ProductAdded { sku, name, description: None, price }.into();
        rows.push("product", &id, &[wire::encode(&Event::Product(added))], &metadata(at), at);
    }
    let mut copy = pool.copy_in_raw(COPY).await.expect("rows can be copied in");
    copy.send(rows.text.as_bytes()).await.expect("rows can be sent");
    copy.finish().await.expect("the rows are right");
}

/// What is to be added.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// So many events in the log, more by less than an order's.
    Events(u64),
    /// So many more orders.
    Orders(u64),
}

/// Lines of an order, payments: what a made-up history is like.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Lines of each order, from 1 to 3.
    pub lines: usize,
    /// One of so many orders is paid at once, by one payment; none if 0.
    pub paid_of: u64,
    /// Further payments, which never cover the total.
    pub small_payments: u64,
}

impl Mix {
    fn payments_of(self, nth: u64) -> Payments {
        if self.paid_of > 0 && nth.is_multiple_of(self.paid_of) {
            Payments::Whole
        } else if self.small_payments > 0 {
            Payments::Small(self.small_payments)
        } else {
            Payments::None
        }
    }
}

/// Orders of three lines, every second one paid: five events each on average.
pub const USUAL: Mix = Mix { lines: LINES, paid_of: 2, small_payments: 0 };

/// Adds orders to a log that nobody else writes to; gives the ids of those that were added. `pool` is one of the
/// superuser.
pub async fn orders(pool: &PgPool, until: Until, mix: Mix) -> Vec<Uuid> {
    let started = Instant::now();
    let (head, last): (i64, DateTime<Utc>) =
        sqlx::query_as("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")
            .fetch_one(pool)
            .await
            .expect("the log has a catalogue");
    let number: i64 =
        sqlx::query_scalar("SELECT nextval('order_number_blocks')").fetch_one(pool).await.expect("a number");
    let (chunks, mut ready) = mpsc::channel::<String>(CHUNKS_AHEAD);
    let maker = std::thread::spawn(move || {
        make(until, mix, Rows { position: head, text: String::new() }, number.unsigned_abs(), last, &chunks)
    });
    let mut copy = pool.copy_in_raw(COPY).await.expect("rows can be copied in");
    while let Some(chunk) = ready.recv().await {
        copy.send(chunk.as_bytes()).await.expect("rows can be sent");
    }
    let rows = copy.finish().await.expect("the rows are right");
    let (ids, number) = maker.join().expect("the maker ends");
    let numbers = sqlx::query("SELECT setval('order_number_blocks', (($1 - 1001) / 32 + 2) * 32 + 1001)");
    numbers.bind(number.cast_signed()).execute(pool).await.expect("numbers go on behind");
    sqlx::query("VACUUM (ANALYZE) events").execute(pool).await.expect("statistics");
    eprintln!("    filled with {rows} events in {:.1} s", started.elapsed().as_secs_f64());
    ids
}

fn make(
    until: Until,
    mix: Mix,
    mut rows: Rows,
    number: u64,
    mut at: DateTime<Utc>,
    chunks: &mpsc::Sender<String>,
) -> (Vec<Uuid>, u64) {
    let (mut generator, mut ids) = (Generator::new(number), Vec::new());
    let goes_on = |ids: &Vec<Uuid>, position: i64| match until {
        Until::Events(events) => position.unsigned_abs() < events,
        Until::Orders(orders) => (ids.len() as u64) < orders,
    };
    while goes_on(&ids, rows.position) {
        at += BETWEEN_ORDERS;
        let order = generator.history(mix.lines, mix.payments_of(ids.len() as u64), at);
        rows.push("order", &order.id.to_string(), &order.events, &order.metadata, at);
        ids.push(order.id);
        if rows.text.len() >= CHUNK_BYTES && chunks.blocking_send(std::mem::take(&mut rows.text)).is_err() {
            break;
        }
    }
    // Who receives has ended early only if it failed, and says so.
    let _ = chunks.blocking_send(rows.text);
    (ids, generator.number)
}

const COPY: &str = "COPY events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
                    position, event_id, recorded_at) FROM STDIN";

/// Rows in the text format of `COPY`.
struct Rows {
    position: i64,
    text: String,
}

impl Rows {
    fn push(&mut self, kind: &str, id: &str, events: &[Encoded], metadata: &str, at: DateTime<Utc>) {
        for (sequence, event) in (1..).zip(events) {
            self.position += 1;
            let (position, event_id) = (self.position, id_of(at));
            // JSON has no control characters of its own; its backslashes must be doubled.
            let (payload, metadata) = (event.payload.replace('\\', "\\\\"), metadata.replace('\\', "\\\\"));
            let Encoded { event_type, event_version, .. } = event;
            writeln!(
                self.text,
                "{kind}\t{id}\t{sequence}\t{event_type}\t{event_version}\t{payload}\t{metadata}\t{position}\t{event_id}\t{at}"
            )
            .expect("a string can be written");
        }
    }
}
