//! A consumer begins where it declares, and nowhere else.

use super::process::{Plan, Process, SOON, mail, quick};
use super::shop::Shop;
use chrono::{DateTime, Utc};
use commands::{Log, LogError, StartError, db};
use consumers::consumer::{attempts, from_ms, to_s};
use consumers::ledger::LedgerError;
use consumers::{
    Claim, Consumer, Done, EmbeddedBroker, Failure, Mailer, ReaderState, ReaderStatus, Retry, RunError, Services,
    Start, Wants, run_consumer,
};
use domain::order::OrderPlaced;
use domain::{Position, Recorded};
use testkit::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Does nothing, for each order that was placed.
struct Placed<const FROM: u8>;

const NAMES: [&str; 4] = ["behind_three", "since_1970", "behind_all", "in_time_to_come"];
const STARTS: [Start; 4] = [
    Start::Position(Position(3)),
    Start::Time(DateTime::<Utc>::UNIX_EPOCH),
    Start::Position(Position(1_000)),
    Start::Time(DateTime::<Utc>::MAX_UTC),
];

impl<const FROM: u8> Consumer for Placed<FROM> {
    type Event = OrderPlaced;

    const NAME: &'static str = NAMES[FROM as usize];
    const START: Start = STARTS[FROM as usize];
    const WANTS: Wants = Wants::types(&[OrderPlaced::TYPE]);
    const RETRY: Retry = Retry::growing(from_ms(10), to_s(1), attempts(3));

    async fn handle(&self, _: &Recorded<OrderPlaced>, _: &mut Claim<'_>) -> Result<Done, Failure> {
        Ok(Done::plainly())
    }
}

/// Runs it until `cancel`, and says how it ended, and as what it was shown then.
fn run<const FROM: u8>(
    shop: &Shop,
    broker: &EmbeddedBroker,
    cancel: &CancellationToken,
) -> JoinHandle<(Result<(), RunError>, ReaderState)> {
    let (url, kafka, cancel) = (shop.db.app_url(), broker.settings(), cancel.clone());
    tokio::spawn(async move {
        let log = Log::open(db::connect(&url, 8).await.unwrap(), cancel.clone(), &TaskTracker::new()).await.unwrap();
        let mailer = Mailer::new(mail("console:", None)).unwrap();
        let services = Services { log, kafka, mailer, settings: quick(), cancel };
        let status = ReaderStatus::channel(NAMES[FROM as usize]);
        let shown = status.subscribe();
        let outcome = run_consumer(Placed::<FROM>, services, status).await;
        let state = shown.borrow().state.clone();
        (outcome, state)
    })
}

/// The positions of what it did.
async fn done(shop: &Shop, name: &str) -> Vec<i64> {
    sqlx::query_scalar("SELECT position FROM consumer_ledger WHERE consumer = $1 AND state = 'sent' ORDER BY position")
        .bind(name)
        .fetch_all(shop.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_begins_behind_a_position_or_at_a_time() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        // Behind the product: its line, and that it was placed.
        shop.place("Ada").await;
    }
    let broker = EmbeddedBroker::start(6).unwrap();
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let cancel = CancellationToken::new();
    let running = [run::<0>(&shop, &broker, &cancel), run::<1>(&shop, &broker, &cancel)];
    for (name, expected) in [(NAMES[0], vec![5]), (NAMES[1], vec![3, 5])] {
        eventually(&format!("{name} did {expected:?}"), SOON, async || {
            let done = done(&shop, name).await;
            if done == expected { Ok(()) } else { Err(format!("{done:?}")) }
        })
        .await;
    }
    shop.place("Ada").await;
    for (name, expected) in [(NAMES[0], vec![5, 7]), (NAMES[1], vec![3, 5, 7])] {
        eventually(&format!("{name} did {expected:?}"), SOON, async || {
            let done = done(&shop, name).await;
            if done == expected { Ok(()) } else { Err(format!("{done:?}")) }
        })
        .await;
    }
    cancel.cancel();
    for one in running {
        one.await.unwrap().0.unwrap();
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_log_has_not_come_it_ends_with_the_reason_and_is_not_known() {
    let shop = Shop::open().await;
    shop.place("Ada").await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let cancel = CancellationToken::new();
    let refused = [run::<2>(&shop, &broker, &cancel), run::<3>(&shop, &broker, &cancel)];
    for (ending, words) in refused.into_iter().zip(["behind position 1000, which", "which has not passed"]) {
        let (outcome, state) = tokio::time::timeout(SOON, ending).await.expect("it ends by itself").unwrap();
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let RunError::Ledger(LedgerError::Log(LogError::Start(fault))) = &error else { panic!("{error}") };
        assert!(matches!(fault, StartError::BeyondHead { .. } | StartError::TimeToCome { .. }));
        assert_eq!(state, ReaderState::Stopped(error.to_string()));
    }
    let known: Vec<String> = sqlx::query_scalar("SELECT consumer FROM consumer_groups WHERE consumer = ANY($1)")
        .bind(NAMES.map(str::to_owned).to_vec())
        .fetch_all(shop.pool())
        .await
        .unwrap();
    assert!(known.is_empty(), "each begins where it says once the log is there: {known:?}");
    relay.stop().await;
}
