//! The embedded broker, which forgets all when it ends, and processes that are killed.

use super::process::{Plan, Process, SOON, mail};
use super::shop::Shop;
use consumers::{EmbeddedBroker, MailBackend};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::read_topic;
use testkit::smtp::{Fault, Scripted, Step};

#[tokio::test]
async fn any_client_reads_the_topics() {
    let shop = Shop::open().await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let order = shop.place("Ada").await;
    process.relayed(&shop).await;
    let records = read_topic(broker.brokers(), "orders.events").await.unwrap();
    let types: Vec<_> = records.iter().map(|record| record.header("ce_type").unwrap()).collect();
    assert_eq!(types, ["ItemAdded", "OrderPlaced"]);
    assert!(records.iter().all(|record| record.key_text() == order.id));
    process.stop().await;
}

#[tokio::test]
async fn a_new_broker_is_handed_what_is_unfinished_and_nobody_is_mailed_twice() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let before = shop.place_many(30).await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    for order in &before {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    process.kill();
    drop(broker);

    let after = shop.place_many(10).await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    for order in &after {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    process.relayed(&shop).await;
    assert_one_mail_each(&server, 40);
    // What was finished before is not handed out again: the new broker holds less than the log.
    let records = read_topic(broker.brokers(), "orders.events").await.unwrap();
    assert!(records.len() < 2 * 40, "{} records of 40 orders", records.len());
    process.stop().await;
}

#[tokio::test]
async fn killed_before_the_send_it_is_sent_and_killed_in_it_it_is_unknown() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let broker = EmbeddedBroker::start(6).unwrap();
    // One connection: the first mail is under way on it when the process is killed, the others are claimed and wait for
    // it.
    let mut plan = Plan::new(broker.settings(), &server.url());
    if let MailBackend::Smtp(smtp) = &mut plan.mail.backend {
        smtp.connections = 1;
        smtp.timeouts.message = Duration::from_secs(60);
    }
    server.script(Fault::fall_silent(Step::EndOfData).times(1));
    let process = Process::start(&shop, plan);
    let first = shop.place("Ada").await;
    shop.until(&first, "OrderPlaced", "sending").await;
    let lease_s: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM due_at - changed_at)::float8 FROM consumer_ledger WHERE aggregate_id = $1",
    )
    .bind(&first.id)
    .fetch_one(shop.pool())
    .await
    .unwrap();
    assert!(lease_s > 60.0, "a mail that may take a minute counts as lost after {lease_s} s");
    eventually("the mail is there", SOON, async || server.attempts().len() == 1).await;
    let second = shop.place("Grace").await;
    shop.until(&second, "OrderPlaced", "claimed").await;
    process.kill();
    drop(broker);

    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    shop.until(&second, "OrderPlaced", "sent").await;
    shop.until(&first, "OrderPlaced", "unknown").await;
    assert_eq!(server.attempts().len(), 2, "what may have arrived is not sent again");
    process.stop().await;
}

#[tokio::test]
async fn a_stop_in_order_cuts_nothing_off_and_gives_back_what_has_not_begun() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let broker = EmbeddedBroker::start(6).unwrap();
    let mut plan = Plan::new(broker.settings(), &server.url());
    if let MailBackend::Smtp(smtp) = &mut plan.mail.backend {
        smtp.connections = 1;
    }
    server.script(Fault::delay(Step::EndOfData, Duration::from_millis(500)));
    let process = Process::start(&shop, plan);
    let orders = shop.place_many(8).await;
    eventually("the first mail is under way", SOON, async || !server.attempts().is_empty()).await;
    process.stop().await;
    let states: BTreeSet<_> = shop.ledger().await.into_iter().map(|(_, _, state)| state).collect();
    assert!(states.iter().all(|state| state == "sent" || state == "waiting"), "{states:?}");

    server.behave();
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    assert_one_mail_each(&server, 8);
    process.stop().await;
}

#[tokio::test]
async fn killed_again_and_again_each_order_is_mailed_at_most_once_and_none_is_forgotten() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let mut orders = Vec::new();
    for _ in 0..5 {
        let broker = EmbeddedBroker::start(6).unwrap();
        let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
        let arrived = server.attempts().len();
        orders.extend(shop.place_many(40).await);
        eventually("some mails are out", SOON, async || server.attempts().len() >= arrived + 10).await;
        process.kill();
    }
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    for order in &orders {
        eventually("its mail is sent, or not known to be", SOON, async || {
            let state = shop.state(order, "OrderPlaced").await;
            matches!(state.as_deref(), Some("sent" | "unknown")).then_some(()).ok_or(format!("{state:?}"))
        })
        .await;
    }
    let ids: Vec<_> = server.attempts().iter().map(|attempt| attempt.mail.message_id().unwrap()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "none arrives twice");
    let sent = shop.ledger().await.into_iter().filter(|(_, _, state)| state == "sent").count();
    assert!(ids.len() >= sent, "{} arrived, {sent} are said to be sent", ids.len());
    process.stop().await;
}

/// Far more than the broker keeps, with a slow start of the consumers: nothing may be dropped before it is read.
#[tokio::test]
async fn the_relay_never_runs_further_ahead_than_the_broker_keeps() {
    let (directory, shop) = (tempfile::tempdir().unwrap(), Shop::open().await);
    fill(&shop, 20_000).await;
    let broker = EmbeddedBroker::start(1).unwrap();
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    // Without consumers it stops at its window, far from the head, and all that it published is still there.
    let mut looks = (0, 0);
    eventually("the relay waits for the consumers", SOON, async || {
        let position = relay.relay.borrow().position.0;
        looks = if position == looks.0 && position > 0 { (position, looks.1 + 1) } else { (position, 0) };
        looks.1 >= 5
    })
    .await;
    let head = shop.log.head().await.unwrap();
    assert!(relay.relay.borrow().position < head, "it ran to the head");
    let held = read_topic(broker.brokers(), "orders.events").await.unwrap();
    assert_eq!(held.first().unwrap().header("ce_position"), Some("2"), "the first event of an order");
    let mut plan = Plan::new(broker.settings(), "console:");
    plan.mail = mail(&format!("file://{}", directory.path().display()), None);
    let consumers = Process::start(&shop, Plan { relay: false, ..plan });
    eventually("the relay is at the head", Duration::from_secs(120), async || relay.relay.borrow().position >= head)
        .await;
    eventually("all are noted", SOON, async || {
        let noted: i64 =
            sqlx::query_scalar("SELECT count(*) FROM consumer_ledger").fetch_one(shop.pool()).await.unwrap();
        if noted == 20_000 { Ok(()) } else { Err(format!("{noted} are noted")) }
    })
    .await;
    consumers.stop().await;
    relay.stop().await;
}

/// Appends so many orders with the statement of a superuser, quicker than one by one: each a copy of a real one.
async fn fill(shop: &Shop, orders: i32) {
    let model = shop.place("Ada").await;
    let superuser = shop.db.superuser_pool().await;
    sqlx::query(
        "WITH place AS MATERIALIZED (SELECT * FROM log_lock()),
              model AS (SELECT * FROM events WHERE aggregate_id = $1 AND event_type = 'OrderPlaced')
         INSERT INTO events
         SELECT 'order', gen_random_uuid()::text, 1, 'OrderPlaced', event_version, payload, metadata,
                last_position + n, gen_random_uuid(), at
           FROM place, model, generate_series(1, $2 - 1) AS n",
    )
    .bind(&model.id)
    .bind(orders)
    .execute(&superuser)
    .await
    .unwrap();
}

fn assert_one_mail_each(server: &Scripted, orders: usize) {
    let mails = server.received();
    let recipients: BTreeSet<_> = mails.iter().map(|mail| mail.envelope_to[0].clone()).collect();
    assert_eq!((mails.len(), recipients.len()), (orders, orders));
}
