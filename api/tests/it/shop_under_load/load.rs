//! The load: clients that order, add, pay, ask again, ask for what can't be had, and hang up.

use super::shop::{CATALOGUE, Shop};
use super::told::{Asks, Told};
use super::wire::{Ask, Try, Wire};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The most orders that a client goes on with, and requests that it sends again later.
const KEPT: usize = 20;

/// Between what a client does and what it does next, in milliseconds; and before it tries again.
const THINKS_MS: Range<u64> = 0..40;
const TRIES_AGAIN_AFTER_MS: Range<u64> = 5..100;

/// How soon a client hangs up that does, in microseconds: an answer takes some milliseconds.
const HANGS_UP_AFTER_US: Range<u64> = 0..25_000;

/// The load on one shop.
pub struct Load {
    scene: Arc<Scene>,
    clients: JoinSet<()>,
}

/// What the clients of one shop share.
struct Scene {
    told: Arc<Told>,
    addresses: Mutex<Vec<SocketAddr>>,
    /// An order that all of them pay, in small parts, until it is paid.
    hot: Mutex<Option<String>>,
    begun: Instant,
    successes: AtomicU64,
    /// When the last success was heard of, in microseconds from the begin.
    last_success_us: AtomicU64,
    /// How often nothing was heard, or that nothing can be done now.
    failures: AtomicU64,
    closing: CancellationToken,
}

impl Load {
    /// Lets so many clients come to a shop.
    pub fn start(shop: &Shop, told: &Arc<Told>, clients: usize, seed: u64) -> Self {
        let scene = Arc::new(Scene {
            told: Arc::clone(told),
            addresses: Mutex::default(),
            hot: Mutex::default(),
            begun: Instant::now(),
            successes: AtomicU64::new(0),
            last_success_us: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            closing: CancellationToken::new(),
        });
        let mut seeds = StdRng::seed_from_u64(seed);
        let mut running = JoinSet::new();
        for _ in 0..clients {
            running.spawn(Client::new(&scene, shop, told.client(), seeds.random()).run());
        }
        Self { scene, clients: running }
    }

    /// What clients were told so far.
    pub fn told(&self) -> &Told {
        &self.scene.told
    }

    /// Where the shop takes commands from now on.
    pub fn turn_to(&self, addresses: Vec<SocketAddr>) {
        *lock(&self.scene.addresses) = addresses;
    }

    /// How many successes there were so far.
    pub fn successes(&self) -> u64 {
        self.scene.successes.load(Ordering::Relaxed)
    }

    /// How often so far a client was told nothing, or to come again.
    pub fn failures(&self) -> u64 {
        self.scene.failures.load(Ordering::Relaxed)
    }

    /// How long ago the last success was.
    pub fn since_last_success(&self) -> Duration {
        let last = Duration::from_micros(self.scene.last_success_us.load(Ordering::Relaxed));
        self.scene.begun.elapsed().saturating_sub(last)
    }

    /// Fails if a client has failed.
    pub fn check(&mut self) {
        while let Some(ended) = self.clients.try_join_next() {
            ended.unwrap();
        }
    }

    /// Lets clients ask nothing new, and waits until they were told what they still want to know.
    pub async fn close(&mut self) {
        self.scene.closing.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
    }
}

/// An order as its client knows it.
#[derive(Debug, Clone)]
struct Own {
    id: String,
    version: u64,
    total: String,
}

struct Client {
    scene: Arc<Scene>,
    wire: Wire,
    rng: StdRng,
    name: String,
    asked: u64,
    own: Vec<Own>,
    /// Requests with a key that succeeded.
    past: Vec<(Ask, Asks)>,
    /// Requests with a key of which it has heard nothing, and still wants to.
    debts: Vec<Ask>,
}

impl Client {
    fn new(scene: &Arc<Scene>, shop: &Shop, number: usize, seed: u64) -> Self {
        Self {
            scene: Arc::clone(scene),
            wire: Wire::new(&shop.token),
            rng: StdRng::seed_from_u64(seed),
            name: format!("{}c{number}", shop.prefix),
            asked: 0,
            own: Vec::new(),
            past: Vec::new(),
            debts: Vec::new(),
        }
    }

    async fn run(mut self) {
        let closing = self.scene.closing.clone();
        while !closing.is_cancelled() {
            self.act().await;
            let thinks = Duration::from_millis(self.rng.random_range(THINKS_MS));
            closing.run_until_cancelled(tokio::time::sleep(thinks)).await;
        }
        while self.settle_debt().await {}
    }

    async fn act(&mut self) {
        match self.rng.random_range(0..100) {
            0..35 => self.place().await,
            35..50 => self.add_item().await,
            50..70 => self.pay_own().await,
            70..78 => self.pay_hot().await,
            78..86 => self.repeat().await,
            86..92 => self.ask_the_impossible().await,
            _ => {
                self.settle_debt().await;
            }
        }
    }

    async fn place(&mut self) {
        let mut lines: Vec<&str> = CATALOGUE.iter().map(|(sku, _)| *sku).collect();
        lines.truncate(self.rng.random_range(1..=CATALOGUE.len()));
        let items: Vec<Value> =
            lines.iter().map(|sku| json!({ "sku": sku, "quantity": self.rng.random_range(1..5) })).collect();
        let (keyed, lines) = (self.rng.random_bool(0.7), items.len());
        let body = self.order(&items);
        let ask = self.ask(Asks::Order { lines }, "/v1/orders".to_owned(), body, keyed);
        if let Some(order) = self.carry_out(ask, Asks::Order { lines }).await {
            let id = self.knows(&order).id.clone();
            lock(&self.scene.hot).get_or_insert(id);
        }
    }

    async fn add_item(&mut self) {
        let Some(own) = self.own.choose(&mut self.rng).cloned() else { return };
        let (sku, _) = CATALOGUE[self.rng.random_range(0..CATALOGUE.len())];
        let body = json!({ "sku": sku, "quantity": 1 });
        let keyed = self.rng.random_bool(0.7);
        let mut ask = self.ask(Asks::Item, format!("/v1/orders/{}/items", own.id), body, keyed);
        ask.if_match = self.rng.random_bool(0.3).then_some(own.version);
        if let Some(order) = self.carry_out(ask, Asks::Item).await {
            self.knows(&order);
        }
    }

    async fn pay_own(&mut self) {
        let Some(own) = self.own.choose(&mut self.rng).cloned() else { return };
        let amount = if self.rng.random_bool(0.7) { own.total } else { "1.00".to_owned() };
        self.pay(&own.id, &amount).await;
    }

    async fn pay_hot(&mut self) {
        let Some(hot) = lock(&self.scene.hot).clone() else { return };
        if !self.pay(&hot, "0.05").await {
            // Another one's turn, if this one is paid.
            lock(&self.scene.hot).take_if(|now| *now == hot);
        }
    }

    async fn pay(&mut self, order: &str, amount: &str) -> bool {
        let reference = format!("{}-{}", self.name, self.asked);
        let body = json!({ "amount": { "amount": amount, "currency": "USD" }, "reference": reference });
        let ask = self.ask(Asks::Payment, format!("/v1/orders/{order}/payments"), body, true);
        match self.carry_out(ask, Asks::Payment).await {
            Some(order) => self.knows(&order).version > 0,
            None => false,
        }
    }

    /// Sends again what succeeded before: the same; with the same key another thing; a payment with another key.
    async fn repeat(&mut self) {
        let Some((past, asks)) = self.past.choose(&mut self.rng).cloned() else { return };
        match (self.rng.random_range(0..4), &asks) {
            (0, Asks::Order { .. }) => {
                let other = self.order(&[json!({ "sku": CATALOGUE[0].0, "quantity": 9 })]);
                let mut ask = self.ask(Asks::Impossible(&["422 idempotency_key_reused"]), past.path, other, false);
                ask.key = past.key;
                self.carry_out_impossible(ask).await;
            }
            (0, Asks::Payment) => {
                let ask = self.ask(Asks::Again, past.path, past.body, true);
                self.carry_out(ask, Asks::Again).await;
            }
            _ => {
                self.carry_out(past, asks).await;
            }
        }
    }

    async fn ask_the_impossible(&mut self) {
        let nothing = json!({ "sku": "NOTHING", "quantity": 1 });
        let keyed = self.rng.random_bool(0.5);
        let own = self.own.choose(&mut self.rng).cloned();
        let ask = match (self.rng.random_range(0..4), own) {
            (0, Some(own)) => {
                let asks = Asks::Impossible(&["422 items_rejected", "409 payment_recorded", "409 already_paid"]);
                self.ask(asks, format!("/v1/orders/{}/items", own.id), nothing, keyed)
            }
            (1, Some(own)) => {
                let body = json!({ "amount": { "amount": "99999.00", "currency": "USD" }, "reference": self.name });
                let asks = Asks::Impossible(&["422 above_balance", "409 already_paid"]);
                self.ask(asks, format!("/v1/orders/{}/payments", own.id), body, true)
            }
            (2, Some(own)) => {
                let body = json!({ "sku": CATALOGUE[0].0, "quantity": 1 });
                let asks = Asks::Impossible(&["412 version_mismatch"]);
                let ask = self.ask(asks, format!("/v1/orders/{}/items", own.id), body, keyed);
                Ask { if_match: Some(own.version + 1_000_000), ..ask }
            }
            _ => {
                let asks = Asks::Impossible(&["422 items_rejected"]);
                self.ask(asks, "/v1/orders".to_owned(), self.order(&[nothing]), keyed)
            }
        };
        self.carry_out_impossible(ask).await;
    }

    /// Asks in one manner or another for what can't be had: what comes back is looked at where it is heard.
    async fn carry_out_impossible(&mut self, ask: Ask) {
        self.carry_out(ask, Asks::Impossible(&[])).await;
    }

    /// Asks once more for what it has heard nothing of; says whether there was something.
    async fn settle_debt(&mut self) -> bool {
        let Some(debt) = self.debts.pop() else { return false };
        let outcome = self.send(&debt).await;
        if let Some(order) = self.until_told(&debt, outcome).await {
            self.knows(&order);
        }
        true
    }

    fn order(&self, items: &[Value]) -> Value {
        json!({
            "customer": {
                "first_name": "Ada",
                "last_name": "Lovelace",
                "email": format!("{}.{}@example.com", self.name, self.asked),
            },
            "shipping_address":
                { "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB" },
            "items": items,
        })
    }

    /// Notes what is about to be asked.
    fn ask(&mut self, asks: Asks, path: String, body: Value, keyed: bool) -> Ask {
        let id = format!("{}-{}", self.name, self.asked);
        self.asked += 1;
        let place = self.scene.told.note(id.clone(), asks);
        let key = keyed.then(|| id.clone());
        Ask { place, id, path, body, key, if_match: None }
    }

    /// Asks in one manner or another; gives the order as it was answered.
    async fn carry_out(&mut self, ask: Ask, asks: Asks) -> Option<Value> {
        let keyed = ask.key.is_some();
        let order = match self.rng.random_range(0..100) {
            0..4 => {
                let to = self.address().await;
                self.wire.send_half(to, &ask).await;
                return None;
            }
            4..20 => {
                let after = Duration::from_micros(self.rng.random_range(HANGS_UP_AFTER_US));
                let to = self.address().await;
                self.scene.told.update(ask.place, |intent| intent.open_tries += 1);
                let Some(outcome) = self.wire.send_and_hang_up(to, &ask, after).await else {
                    if keyed && self.rng.random_bool(0.7) {
                        self.debts.push(ask);
                    }
                    return None;
                };
                self.note(&ask, &outcome);
                self.until_told(&ask, outcome).await
            }
            20..27 if keyed => self.twice_at_once(&ask).await,
            _ => {
                let outcome = self.send(&ask).await;
                self.until_told(&ask, outcome).await
            }
        };
        if order.is_some() && keyed && asks != Asks::Again {
            self.past.push((ask, asks));
            self.past.drain(..self.past.len().saturating_sub(KEPT));
        }
        order
    }

    async fn twice_at_once(&mut self, ask: &Ask) -> Option<Value> {
        let (here, there) = (self.address().await, self.address().await);
        self.scene.told.update(ask.place, |intent| intent.open_tries += 2);
        let (one, other) = tokio::join!(self.wire.send(here, ask), self.wire.send(there, ask));
        self.note(ask, &one);
        self.note(ask, &other);
        let better = if matches!(one, Try::Done(..) | Try::Refused(_)) { one } else { other };
        self.until_told(ask, better).await
    }

    async fn send(&mut self, ask: &Ask) -> Try {
        let to = self.address().await;
        self.scene.told.update(ask.place, |intent| intent.open_tries += 1);
        let outcome = self.wire.send(to, ask).await;
        self.note(ask, &outcome);
        outcome
    }

    /// Goes on with a request that has a key until it is told what became of it, or now and then gives up.
    async fn until_told(&mut self, ask: &Ask, mut outcome: Try) -> Option<Value> {
        loop {
            match outcome {
                Try::Done(_, order) => return Some(order),
                Try::Refused(_) => return None,
                Try::NotNow | Try::Unknown if ask.key.is_none() => return None,
                Try::NotNow | Try::Unknown => {}
            }
            if self.rng.random_bool(0.03) && !self.scene.closing.is_cancelled() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(TRIES_AGAIN_AFTER_MS))).await;
            outcome = self.send(ask).await;
        }
    }

    fn note(&self, ask: &Ask, outcome: &Try) {
        if matches!(outcome, Try::NotNow | Try::Unknown) {
            self.scene.failures.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(outcome, Try::Done(..)) {
            self.scene.successes.fetch_add(1, Ordering::Relaxed);
            let now = u64::try_from(self.scene.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.scene.last_success_us.fetch_max(now, Ordering::Relaxed);
        }
        self.scene.told.hear(ask.place, outcome);
    }

    /// Keeps what it was told of an order.
    fn knows(&mut self, order: &Value) -> &Own {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = order["version"].as_u64().unwrap_or_default();
        let own = Own { id: text(&order["id"]), version, total: text(&order["total"]["amount"]) };
        self.own.retain(|known| known.id != own.id);
        self.own.drain(..(self.own.len() + 1).saturating_sub(KEPT));
        self.own.push(own);
        &self.own[self.own.len() - 1]
    }

    /// One of the addresses at which commands are taken, once there is one.
    async fn address(&mut self) -> SocketAddr {
        loop {
            if let Some(address) = lock(&self.scene.addresses).choose(&mut self.rng) {
                return *address;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
