//! Effects that don't come to their end: what hangs is ended, what waits is seen.

use super::groups::until;
use super::process::{Plan, Process, SOON, mail, quick};
use super::shop::Shop;
use commands::{Log, db};
use consumers::consumer::{attempts, from_ms, to_s};
use consumers::{
    Claim, Consumer, Done, EmbeddedBroker, Failure, MailBackend, Mailer, ReaderStatus, Retry, Services, Start, Wants,
    run_consumer,
};
use domain::Recorded;
use domain::order::OrderPlaced;
use std::future::pending;
use std::time::Duration;
use testkit::smtp::{Fault, Scripted, Step};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Hangs on whoever is called Ada before anything is begun, and on Grace when something was.
struct Hangs;

impl Consumer for Hangs {
    type Event = OrderPlaced;

    const NAME: &'static str = "hangs";
    const START: Start = Start::Origin;
    const WANTS: Wants = Wants::types(&[OrderPlaced::TYPE]);
    const RETRY: Retry = Retry::growing(from_ms(10), to_s(1), attempts(2));

    async fn handle(&self, event: &Recorded<OrderPlaced>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        match event.event.customer.first_name.as_str() {
            "Ada" => {
                // Whatever it holds is let go.
                sqlx::query("SELECT pg_sleep(3600)").execute(&mut **claim.transaction().await?).await?;
            }
            "Grace" => {
                claim.sending(None).await?;
                pending::<()>().await;
            }
            _ => {}
        }
        Ok(Done::plainly())
    }
}

/// Whoever hangs takes every place that there is; all the same those that come later are served.
#[tokio::test]
async fn what_hangs_is_ended_as_a_crash_would_end_it_and_its_place_is_free() {
    let (shop, broker) = (Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let (before, within) = (shop.place("Ada").await, shop.place("Grace").await);
    let mut mail = mail("smtp://127.0.0.1:1", None);
    if let MailBackend::Smtp(server) = &mut mail.backend {
        let short = Duration::from_millis(50);
        (server.timeouts.connect, server.timeouts.envelope, server.timeouts.message) = (short, short, short);
    }
    let cancel = CancellationToken::new();
    let pool = db::connect(&shop.db.app_url(), 8).await.unwrap();
    let log = Log::open(pool, cancel.clone(), &TaskTracker::new()).await.unwrap();
    let settings = consumers::ConsumerSettings {
        in_hand: 2,
        // Its lease alone would not end it within the test.
        sending_margin: Duration::from_secs(3_600),
        handle_at_most: Duration::from_secs(1),
        retry: None,
        ..quick()
    };
    let (kafka, mailer) = (broker.settings(), Mailer::new(mail).unwrap());
    let services = Services { log, kafka, mailer, settings, cancel: cancel.clone() };
    let running = tokio::spawn(run_consumer(Hangs, services, ReaderStatus::channel("hangs")));
    shop.until(&before, "OrderPlaced", "parked").await;
    shop.until(&within, "OrderPlaced", "unknown").await;
    let reason: String = sqlx::query_scalar("SELECT reason FROM consumer_ledger WHERE aggregate_id = $1")
        .bind(&before.id)
        .fetch_one(shop.pool())
        .await
        .unwrap();
    assert_eq!(reason, "given up after 2 attempts: the consumer took longer than 1 s");
    let after = shop.place("Mary").await;
    shop.until(&after, "OrderPlaced", "sent").await;
    cancel.cancel();
    tokio::time::timeout(SOON, running).await.expect("it ends soon").unwrap().unwrap();
    relay.stop().await;
}

#[tokio::test]
async fn a_group_shows_what_is_due_and_not_begun() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    server.script(Fault::fall_silent(Step::EndOfData).times(1));
    let mut plan = Plan::new(broker.settings(), &server.url());
    plan.settings.in_hand = 1;
    if let MailBackend::Smtp(smtp) = &mut plan.mail.backend {
        smtp.timeouts.message = Duration::from_secs(15);
    }
    let process = Process::start(&shop, plan);
    let first = shop.place("Ada").await;
    shop.until(&first, "OrderPlaced", "sending").await;
    let second = shop.place("Grace").await;
    let group = until(&shop, "the second is due", |group| group.due.is_some()).await;
    let entry: i64 = sqlx::query_scalar("SELECT id FROM consumer_ledger WHERE aggregate_id = $1 AND consumer = $2")
        .bind(&second.id)
        .bind(group.name)
        .fetch_one(shop.pool())
        .await
        .unwrap();
    assert_eq!((group.due.map(|due| due.entry), group.waiting), (Some(entry), 1));
    shop.until(&second, "OrderPlaced", "sent").await;
    until(&shop, "nothing is due", |group| group.due.is_none()).await;
    process.stop().await;
}
