//! Another consumer, as people will add them: rows of its own, written in one transaction with its outcome.

use super::process::{Plan, Process, SOON, mail, quick};
use super::shop::{Order, Shop};
use commands::{Log, db};
use consumers::consumer::{attempts, from_ms, to_s};
use consumers::{
    Claim, Consumer, Done, EmbeddedBroker, Failure, Mailer, ReaderStatus, Retry, Services, Start, Wants, run_consumer,
};
use domain::Recorded;
use domain::order::OrderPaid;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::eventually;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Ten points for every full unit of currency paid; from now on. It panics, or fails for good, when told to.
#[derive(Clone, Default)]
struct Points {
    panics: Arc<AtomicBool>,
    refuses: Arc<AtomicBool>,
}

impl Consumer for Points {
    type Event = OrderPaid;

    const NAME: &'static str = "points";
    const START: Start = Start::Now;
    const WANTS: Wants = Wants::types(&[OrderPaid::TYPE]);
    const RETRY: Retry = Retry::growing(from_ms(10), to_s(1), attempts(3));

    async fn handle(&self, event: &Recorded<OrderPaid>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        let transaction = claim.transaction().await?;
        sqlx::query("INSERT INTO points (order_id, points) VALUES ($1, 10 * trunc($2::text::numeric))")
            .bind(&*event.aggregate_id)
            .bind(event.event.total.amount().to_string())
            .execute(&mut **transaction)
            .await?;
        assert!(!self.panics.load(Ordering::Relaxed), "as a fault of the program");
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Failure::Permanent("no points today".to_owned()));
        }
        Ok(Done::plainly())
    }
}

/// Runs it in a runtime of its own, that a test can kill.
fn start(shop: &Shop, broker: &EmbeddedBroker, points: Points) -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (url, kafka) = (shop.db.app_url(), broker.settings());
    runtime.spawn(async move {
        let cancel = CancellationToken::new();
        let log = Log::open(db::connect(&url, 8).await.unwrap(), cancel.clone(), &TaskTracker::new()).await.unwrap();
        let mailer = Mailer::new(mail("console:", None)).unwrap();
        let settings = consumers::ConsumerSettings { retry: None, ..quick() };
        let services = Services { log, kafka, mailer, settings, cancel };
        run_consumer(points, services, ReaderStatus::channel("points")).await.unwrap();
    });
    runtime
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    let owner = shop.db.owner_pool().await;
    for statement in [
        // No unique key: a second row for one order would show.
        "CREATE TABLE points (order_id text NOT NULL, points bigint NOT NULL)",
        "GRANT SELECT, INSERT ON points TO orders_app",
    ] {
        sqlx::query(statement).execute(&owner).await.unwrap();
    }
    shop
}

async fn points(shop: &Shop) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT order_id, points FROM points ORDER BY order_id").fetch_all(shop.pool()).await.unwrap()
}

async fn paid(shop: &Shop) -> Order {
    let order = shop.place("Ada").await;
    shop.pay(&order).await;
    order
}

/// Waits until the consumer is known: what comes from then on is for it.
async fn known(shop: &Shop) {
    eventually("the consumer is known", SOON, async || {
        sqlx::query("SELECT FROM consumer_groups WHERE consumer = 'points'").fetch_optional(shop.pool()).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn it_starts_with_what_comes_from_now_on_and_counts_it_once_though_it_is_handed_it_again() {
    let shop = shop().await;
    paid(&shop).await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let runtime = start(&shop, &broker, Points::default());
    known(&shop).await;
    let order = paid(&shop).await;
    eventually("the points are there", SOON, async || !points(&shop).await.is_empty()).await;
    runtime.shutdown_background();
    // It begins with the first record again, and with a new order behind.
    let runtime = start(&shop, &broker, Points::default());
    let later = paid(&shop).await;
    let mut expected = vec![(order.id.clone(), 250), (later.id.clone(), 250)];
    expected.sort();
    eventually("each is counted", SOON, async || points(&shop).await.len() >= 2).await;
    assert_eq!(points(&shop).await, expected);
    runtime.shutdown_background();
    relay.stop().await;
}

#[tokio::test]
async fn a_panic_is_tried_again_and_leaves_no_row() {
    let (shop, broker) = (shop().await, EmbeddedBroker::start(6).unwrap());
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let consumer = Points::default();
    consumer.panics.store(true, Ordering::Relaxed);
    let runtime = start(&shop, &broker, consumer.clone());
    known(&shop).await;
    let order = paid(&shop).await;
    shop.until(&order, "OrderPaid", "parked").await;
    assert!(points(&shop).await.is_empty());
    consumer.panics.store(false, Ordering::Relaxed);
    let other = paid(&shop).await;
    shop.until(&other, "OrderPaid", "sent").await;
    assert_eq!(points(&shop).await, [(other.id, 250)]);
    runtime.shutdown_background();
    relay.stop().await;
}

#[tokio::test]
async fn what_fails_for_good_leaves_no_row() {
    let (shop, broker) = (shop().await, EmbeddedBroker::start(6).unwrap());
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let consumer = Points::default();
    consumer.refuses.store(true, Ordering::Relaxed);
    let runtime = start(&shop, &broker, consumer);
    known(&shop).await;
    let order = paid(&shop).await;
    shop.until(&order, "OrderPaid", "parked").await;
    assert!(points(&shop).await.is_empty());
    runtime.shutdown_background();
    relay.stop().await;
}
