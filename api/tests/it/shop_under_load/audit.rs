//! The comparison of the log with what clients were told.

use super::figures::Figures;
use super::told::{Answer, Expected, Intent, Told};
use chrono::{DateTime, SecondsFormat, Utc};
use commands::{Log, StoredEvent, db};
use domain::order::{Order, OrderEvent, evolve};
use domain::{Event, Position};
use projections::order_list::Item;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use testkit::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const READ_ROWS: u32 = 5_000;

/// Follows the log of one shop, and holds it to its promises.
pub struct Audit {
    log: Log,
    position: Position,
    recorded_at: DateTime<Utc>,
    orders: HashMap<String, History>,
    /// What each request led to.
    effects: HashMap<String, Vec<Effect>>,
    numbers: HashSet<u64>,
    events: usize,
    /// By intent: how many of its answers were compared.
    compared: Vec<usize>,
    _stop_on_drop: DropGuard,
}

/// One order.
#[derive(Default)]
struct History {
    /// After each of its events, with the time of that. Cheap to keep: they share what did not change.
    states: Vec<(Order, DateTime<Utc>)>,
}

/// One event that a request led to.
#[derive(Debug, Clone)]
pub struct Effect {
    pub position: u64,
    pub order: String,
    pub sequence: u64,
    pub event_type: String,
    pub event_id: String,
}

impl Audit {
    pub async fn open(db: &Db) -> Self {
        let stop = CancellationToken::new();
        let pool = db::connect(&db.app_url(), 2).await.unwrap();
        let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
        Self {
            log,
            position: Position::ORIGIN,
            recorded_at: DateTime::UNIX_EPOCH,
            orders: HashMap::new(),
            effects: HashMap::new(),
            numbers: HashSet::new(),
            events: 0,
            compared: Vec::new(),
            _stop_on_drop: stop.drop_guard(),
        }
    }

    /// Compares the log as it is now with what clients were newly told a moment before.
    pub async fn compare(&mut self, told: &Told) {
        let news = told.newly_answered(&mut self.compared);
        self.catch_up().await;
        for intent in &news {
            // What is acknowledged is there. What is in doubt may come as long as processes run.
            self.check(intent);
        }
    }

    /// Compares all, once nothing runs any more that could write.
    pub async fn compare_finally(&mut self, told: &Told, figures: &mut Figures) {
        self.catch_up().await;
        let intents = told.all();
        for intent in &intents {
            let written = self.check(intent);
            figures.count(intent);
            figures.intents.in_doubt_and_written += usize::from(written && intent.expected() == Expected::AtMostOnce);
        }
        let known: HashSet<&str> = intents.iter().map(|intent| intent.id.as_str()).collect();
        let strange: Vec<_> = self.effects.keys().filter(|cause| !known.contains(cause.as_str())).collect();
        assert!(strange.is_empty(), "events that nobody asked for: {strange:?}");
        figures.intents.events += self.events;
    }

    /// All events of orders, in the order of the log.
    pub fn order_events(&self) -> Vec<&Effect> {
        let mut all: Vec<&Effect> = self.effects.values().flatten().collect();
        all.sort_by_key(|effect| effect.position);
        all
    }

    /// Reads on to the head.
    async fn catch_up(&mut self) {
        let head = self.log.head().await.unwrap();
        while self.position < head {
            let events = self.log.read(self.position, READ_ROWS).await.unwrap();
            assert!(!events.is_empty(), "the log ends at {} before its head {head}", self.position);
            for event in events {
                self.take(&event);
            }
        }
    }

    fn take(&mut self, event: &StoredEvent) {
        assert_eq!(event.position.0, self.position.0 + 1, "positions have no holes");
        assert!(event.recorded_at >= self.recorded_at, "time runs backwards at {}", event.position);
        (self.position, self.recorded_at) = (event.position, event.recorded_at);
        self.events += 1;
        let recorded = event.recorded().unwrap();
        let Event::Order(order_event) = &recorded.event else { return };
        let history = self.orders.entry(event.aggregate_id.to_string()).or_default();
        assert_eq!(event.sequence, history.states.len() as u64 + 1, "the events of order {}", event.aggregate_id);
        if let OrderEvent::OrderPlaced(placed) = order_event {
            assert!(self.numbers.insert(placed.number.0), "the number {} was given twice", placed.number);
        }
        let before = history.states.last().map(|(order, _)| order.clone()).unwrap_or_default();
        history.states.push((evolve(before, order_event), recorded.metadata.occurred_at));
        let effect = Effect {
            position: event.position.0,
            order: event.aggregate_id.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            event_id: event.event_id.to_string(),
        };
        self.effects.entry(recorded.metadata.correlation_id.clone()).or_default().push(effect);
    }

    /// Holds the events of one request against what its client was told; says whether there are any.
    fn check(&self, intent: &Intent) -> bool {
        let effects = self.effects.get(&intent.id).map_or(&[][..], Vec::as_slice);
        let expected = intent.expected();
        match (effects.is_empty(), expected) {
            (true, Expected::Once) => panic!("lost: {intent:?}"),
            (false, Expected::Never) => panic!("written all the same: {intent:?}, {effects:?}"),
            _ => {}
        }
        if let Some(first) = effects.first() {
            let types: Vec<&str> = effects.iter().map(|effect| effect.event_type.as_str()).collect();
            assert!(intent.is_whole(&types), "half written, or more than once: {intent:?}, {effects:?}");
            for (effect, place) in effects.iter().zip(0..) {
                let together = (first.order.as_str(), first.sequence + place, first.position + place);
                assert_eq!((effect.order.as_str(), effect.sequence, effect.position), together, "{intent:?}");
            }
        }
        for answer in &intent.answers {
            assert_eq!(answer, &intent.answers[0], "two answers to {intent:?}");
            self.check_answer(intent, answer, effects);
        }
        !effects.is_empty()
    }

    /// An answer shows the order as its own events left it.
    fn check_answer(&self, intent: &Intent, answer: &Answer, effects: &[Effect]) {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let id = body["id"].as_str().unwrap_or_default();
        let held = self.orders.get(id).and_then(|history| history.as_answered(id, answer.version));
        assert_eq!(Some(&body), held.as_ref(), "the answer to {intent:?} is not what the log holds");
        if let Some(last) = effects.last() {
            assert_eq!((answer.version, answer.position), (last.sequence, last.position), "{intent:?}");
        }
    }
}

impl History {
    /// The order at a version, as its resource is written.
    fn as_answered(&self, id: &str, version: u64) -> Option<Value> {
        let (order, updated_at) = self.states.get(usize::try_from(version).ok()?.checked_sub(1)?)?;
        let (_, placed_at) = self.states.first()?;
        let placed = order.placed()?;
        let time = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let customer = &placed.customer;
        let address = customer.shipping_address.as_ref()?;
        let items: Vec<Item<'_>> = placed.lines.iter().map(|line| Item::of(line).unwrap()).collect();
        Some(json!({
            "id": id,
            "number": placed.number,
            "status": "placed",
            "paid": order.is_paid(),
            "needs_review": false,
            "customer": {
                "first_name": customer.first_name.as_str(),
                "last_name": customer.last_name.as_str(),
                "email": customer.email.as_str(),
            },
            "shipping_address": {
                "address": address.address.as_str(),
                "postal_code": address.postal_code.as_str(),
                "city": address.city.as_str(),
                "country": address.country.as_ref().map(|country| country.as_str()),
            },
            "items": items,
            "total": placed.total,
            "version": version,
            "placed_at": time(placed_at),
            "updated_at": time(updated_at),
        }))
    }
}
