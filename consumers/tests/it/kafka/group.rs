//! Consumer groups on a real broker.

use super::settings;
use super::verify::{producer, send};
use crate::process::{Plan, Process, SOON};
use crate::shop::Shop;
use consumers::topics::Topics;
use consumers::{KafkaSettings, MailBackend, ReaderState};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::Producer;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::{KafkaBroker, read_topic};
use testkit::smtp::{Fault, Scripted, Step};

#[tokio::test]
async fn mails_follow_orders_and_a_group_set_back_to_the_beginning_sends_nothing() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let orders = shop.place_many(30).await;
    for order in &orders {
        shop.pay(order).await;
    }
    for order in &orders {
        shop.until(order, "OrderPaid", "sent").await;
    }
    assert_eq!(server.received().len(), 60);
    process.stop().await;

    rewind(&kafka).await;
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let last = shop.place("Grace").await;
    shop.until(&last, "OrderPlaced", "sent").await;
    // Its partition was read again up to this order, and nothing was sent for what came before it.
    eventually("the group has read all again", SOON, async || all_committed(&kafka)).await;
    assert_eq!(server.attempts().len(), 61);
    process.stop().await;
}

/// A consumer that knows an event already is handed it again, in a version that it can't read: so it goes where a group
/// is set back, or rebalanced, while an older program runs.
#[tokio::test]
async fn a_known_event_that_comes_again_unreadable_is_not_noted_twice() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let order = shop.place("Ada").await;
    shop.until(&order, "OrderPlaced", "sent").await;
    let topic = Topics::new(&kafka.prefix).orders;
    let records = read_topic(&kafka.brokers, &topic).await.unwrap();
    let mut again = records.into_iter().find(|record| record.header("ce_type") == Some("OrderPlaced")).unwrap();
    for (name, value) in &mut again.headers {
        if name == "ce_dataversion" {
            *value = b"99".to_vec();
        }
    }
    let producer = producer(&kafka);
    send(&producer, &topic, &again);
    producer.flush(Duration::from_secs(30)).unwrap();
    // The next order of the same partition is behind it; all partitions are asked, as it is not known which that is.
    for order in shop.place_many(30).await {
        shop.until(&order, "OrderPlaced", "sent").await;
    }
    eventually("the group has read all", SOON, async || all_committed(&kafka)).await;
    let states: Vec<_> = shop.ledger().await.into_iter().filter(|(id, _, _)| *id == order.id).collect();
    assert_eq!(states, [(order.id, "OrderPlaced".to_owned(), "sent".to_owned())]);
    process.stop().await;
}

#[tokio::test]
async fn two_members_share_the_work_and_the_mails_of_a_killed_one_are_sent_after_its_leases() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let mut slow = Plan::new(kafka.clone(), &server.url());
    if let MailBackend::Smtp(smtp) = &mut slow.mail.backend {
        smtp.connections = 1;
        // Longer than what comes before the kill; the lease ends soon after it all the same.
        smtp.timeouts.connect = Duration::from_secs(2);
        smtp.timeouts.message = Duration::from_secs(10);
    }
    server.script(Fault::fall_silent(Step::EndOfData).times(1));
    let doomed = Process::start(&shop, slow);
    let first = shop.place("Ada").await;
    shop.until(&first, "OrderPlaced", "sending").await;
    let second = shop.place("Grace").await;
    shop.until(&second, "OrderPlaced", "claimed").await;
    doomed.kill();

    let members = [0, 1].map(|_| Process::start(&shop, Plan::new(kafka.clone(), &server.url())));
    shop.until(&second, "OrderPlaced", "sent").await;
    shop.until(&first, "OrderPlaced", "unknown").await;
    let orders = shop.place_many(60).await;
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    let ids: BTreeSet<_> = server.attempts().iter().map(|attempt| attempt.mail.message_id().unwrap()).collect();
    assert_eq!((ids.len(), server.attempts().len()), (62, 62));
    for member in members {
        member.stop().await;
    }
}

#[tokio::test]
async fn members_that_come_and_go_lose_and_repeat_nothing() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    server.script(Fault::delay(Step::EndOfData, Duration::from_millis(20)));
    let staying = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let mut orders = Vec::new();
    for _ in 0..3 {
        let passing = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
        orders.extend(shop.place_many(60).await);
        let arrived = server.attempts().len();
        eventually("some are out", SOON, async || server.attempts().len() > arrived + 5).await;
        passing.stop().await;
    }
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    assert_eq!(server.attempts().len(), orders.len());
    staying.stop().await;
}

#[tokio::test]
async fn a_broker_that_dies_takes_no_mail_with_it() {
    let broker = KafkaBroker::start();
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, KafkaSettings::new(broker.brokers()));
    let process = Process::start(&shop, Plan::new(kafka, &server.url()));
    let before = shop.place("Ada").await;
    shop.until(&before, "OrderPlaced", "sent").await;
    let mut consumer = process.consumers[0].clone();
    broker.kill();
    let during = shop.place("Grace").await;
    let away = consumer.wait_for(|status| matches!(status.state, ReaderState::Retrying(_)));
    tokio::time::timeout(SOON, away).await.expect("it says so").unwrap();
    broker.restart();
    let back = consumer.wait_for(|status| status.state == ReaderState::Running);
    tokio::time::timeout(SOON, back).await.expect("it says so").unwrap();
    shop.until(&during, "OrderPlaced", "sent").await;
    assert_eq!(server.attempts().len(), 2);
    process.stop().await;
}

fn group(kafka: &KafkaSettings) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", format!("{}order_mail", kafka.prefix))
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

fn partitions(kafka: &KafkaSettings) -> TopicPartitionList {
    let mut partitions = TopicPartitionList::new();
    for partition in 0..i32::from(kafka.partitions) {
        partitions.add_partition(&Topics::new(&kafka.prefix).orders, partition);
    }
    partitions
}

/// Sets the group's offsets to zero, once it has no members.
pub async fn rewind(kafka: &KafkaSettings) {
    let consumer = group(kafka);
    let mut beginning = partitions(kafka);
    beginning.set_all_offsets(Offset::Offset(0)).unwrap();
    eventually("the group's offsets can be set", SOON, async || consumer.commit(&beginning, CommitMode::Sync)).await;
}

/// Whether the group's offsets are at the ends of all partitions, but for the marker of the last transaction.
pub fn all_committed(kafka: &KafkaSettings) -> Result<(), String> {
    let consumer = group(kafka);
    let committed = consumer.committed_offsets(partitions(kafka), Duration::from_secs(5)).unwrap();
    for place in committed.elements() {
        let (low, high) = consumer.fetch_watermarks(place.topic(), place.partition(), Duration::from_secs(5)).unwrap();
        let offset = place.offset().to_raw().unwrap_or(0);
        if high > low && offset < high - 1 {
            return Err(format!("partition {} at {offset} of {high}", place.partition()));
        }
    }
    Ok(())
}
