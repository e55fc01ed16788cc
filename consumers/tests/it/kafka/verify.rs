//! Topics of a real broker against the log: what agrees gives no difference, and each kind of damage is named.

use super::settings;
use crate::process::{Plan, Process};
use crate::shop::Shop;
use crate::verify::{count, damage, ledger, ledger_after, listed, topics};
use commands::verify::Watch;
use consumers::KafkaSettings;
use consumers::ledger::State;
use consumers::topics::{self as names, Topics};
use consumers::verify::{Difference, Reach, VerifyError, check_ledgers};
use domain::Position;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::{Record, read_topic};
use testkit::smtp::Scripted;
use tokio_util::sync::CancellationToken;

/// A log, and what its relay made of it: 10 orders of 2 events each, 5 of them paid with 2 more, and one product.
struct Published {
    shop: Shop,
    kafka: KafkaSettings,
    orders: Vec<Record>,
    products: Vec<Record>,
}

impl Published {
    async fn new() -> Self {
        let (shop, kafka) = (Shop::open().await, settings());
        let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
        for order in &shop.place_many(10).await[..5] {
            shop.pay(order).await;
        }
        process.relayed(&shop).await;
        process.stop().await;
        let topics = Topics::new(&kafka.prefix);
        let all = eventually("all is readable", Duration::from_secs(60), async || {
            let all = read_topic(&kafka.brokers, &topics.orders).await?;
            if all.len() == 30 { Ok(all) } else { Err(format!("{} records", all.len())) }
        })
        .await;
        let products = read_topic(&kafka.brokers, &topics.products).await.unwrap();
        Self { shop, kafka, orders: all, products }
    }

    /// Other topics with the same records after `change`, and a position as the relay would write it.
    async fn copied(&self, change: impl FnOnce(&mut Vec<Record>)) -> KafkaSettings {
        let copy = settings();
        let topics = names::ensure(&copy).await.unwrap();
        let mut orders = self.orders.clone();
        change(&mut orders);
        let producer = producer(&copy);
        for (topic, records) in [(&topics.orders, &orders), (&topics.products, &self.products)] {
            for record in records {
                send(&producer, topic, record);
            }
        }
        let identity = self.shop.log.identity();
        let position = self.shop.log.head().await.unwrap();
        let published = format!(r#"{{"log_id":"{}","epoch":1,"position":{position}}}"#, identity.log_id);
        producer.send(BaseRecord::to(&topics.relay).key("published").payload(&published)).unwrap();
        producer.flush(Duration::from_secs(30)).unwrap();
        copy
    }

    /// The differences that the copy has.
    async fn found(&self, change: impl FnOnce(&mut Vec<Record>)) -> Vec<Difference> {
        listed(&topics(&self.shop, &self.copied(change).await).await)
    }
}

pub fn producer(kafka: &KafkaSettings) -> BaseProducer {
    ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().unwrap()
}

pub fn send(producer: &BaseProducer, topic: &str, record: &Record) {
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    let key = record.key.clone().unwrap_or_default();
    let value = record.value.clone().unwrap_or_default();
    let copy = BaseRecord::to(topic).key(&key).payload(&value).headers(headers).partition(record.partition);
    producer.send(copy.timestamp(record.timestamp_ms.unwrap())).map_err(|(error, _)| error).unwrap();
}

fn position(record: &Record) -> Position {
    Position(record.header("ce_position").unwrap().parse().unwrap())
}

/// The place of the first of two neighbours of one order.
fn neighbours(records: &[Record]) -> usize {
    (0..records.len() - 1).find(|n| records[*n].key == records[*n + 1].key).unwrap()
}

#[tokio::test]
async fn what_the_relay_published_agrees() {
    let published = Published::new().await;
    let checked = topics(&published.shop, &published.kafka).await;
    assert_eq!(listed(&checked), []);
    assert_eq!((checked.relay.published, checked.relay.head), (Position(31), Position(31)));
    let [orders, products, categories, newsletters] = &checked.topics[..] else { panic!("four topics") };
    assert_eq!((orders.records, orders.partitions, orders.no_longer_held), (30, 6, 0));
    assert_eq!((orders.first, orders.last), (Position(2), Position(31)));
    assert_eq!((products.records, products.first), (1, Position(1)));
    assert_eq!((categories.records, categories.first), (0, Position::ORIGIN));
    assert_eq!((newsletters.records, newsletters.first), (0, Position::ORIGIN));
    // And so does a faithful copy: the tests below change nothing but what they say.
    assert_eq!(published.found(|_| ()).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_meanwhile_is_no_difference() {
    let (shop, kafka, mail) = (Arc::new(Shop::open().await), settings(), Scripted::start());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &mail.url()));
    process.relayed(&shop).await;
    let stop = CancellationToken::new();
    let load = {
        let (shop, stop) = (Arc::clone(&shop), stop.clone());
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                for order in shop.place_many(8).await {
                    shop.pay(&order).await;
                }
            }
        })
    };
    let (mut rounds, mut calls) = (0, 0);
    while rounds < 4 || calls < 50 {
        let checked = topics(&shop, &kafka).await;
        assert_eq!(listed(&checked), []);
        let ledger = ledger(&shop, Some(&kafka)).await;
        assert_eq!(ledger.differences.listed(), []);
        assert_eq!(ledger.reach, Reach::CommittedOffsets);
        (rounds, calls) = (rounds + 1, ledger.calls);
    }
    stop.cancel();
    load.await.unwrap();
    process.stop().await;
    let all = ledger(&shop, Some(&kafka)).await;
    assert_eq!(all.differences.listed(), []);
    assert!(all.states.iter().map(|(_, count)| count).sum::<u64>() >= all.calls);
}

#[tokio::test]
async fn a_missing_record_is_named() {
    let published = Published::new().await;
    let gone = published.orders[7].clone();
    let found = published.found(|records| drop(records.remove(7))).await;
    let [Difference::Missing { partition, event }] = &found[..] else { panic!("{found:?}") };
    assert_eq!((*partition, event.position), (gone.partition, position(&gone)));
    assert_eq!(event.aggregate_id, gone.key_text());
    assert_eq!(
        found[0].to_string(),
        format!(
            "the event at position {} (order {}, {}) is missing in partition {partition}",
            event.position, event.aggregate_id, event.sequence
        )
    );
}

#[tokio::test]
async fn a_record_that_comes_again_is_named() {
    let published = Published::new().await;
    let again = published.orders[3].clone();
    let found = published.found(|records| records.push(records[3].clone())).await;
    let [Difference::Repeated { record, event }] = &found[..] else { panic!("{found:?}") };
    assert_eq!((record.partition, event.position), (again.partition, position(&again)));
}

#[tokio::test]
async fn an_order_that_is_not_kept_is_named() {
    let published = Published::new().await;
    let at = neighbours(&published.orders);
    let later = published.orders[at].clone();
    let found = published.found(|records| records.swap(at, at + 1)).await;
    let [Difference::OutOfOrder { event, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(event.position, position(&later));

    // Between orders no sequence is promised. Ten of them do not fit into six partitions without two in one.
    let strangers = |two: &[Record]| two[0].partition == two[1].partition && two[0].key != two[1].key;
    let at = published.orders.windows(2).position(strangers).unwrap();
    assert_eq!(published.found(|records| records.swap(at, at + 1)).await, []);
}

#[tokio::test]
async fn a_record_that_says_something_else_is_named() {
    let published = Published::new().await;
    let found = published
        .found(|records| {
            records[2].value = Some(b"{}".to_vec());
            for (name, value) in &mut records[2].headers {
                if name == "ce_actor" {
                    *value = b"somebody".to_vec();
                }
            }
            records[4].headers.retain(|(name, _)| name != "ce_id");
            records[5].timestamp_ms = Some(1);
            records[6].headers.clear();
        })
        .await;
    let parts_of = |at: usize| {
        found.iter().find_map(|difference| match difference {
            Difference::OtherContent { event, parts, .. } if event.position == position(&published.orders[at]) => {
                Some(parts.join(" "))
            }
            _ => None,
        })
    };
    assert_eq!(parts_of(2).as_deref(), Some("value ce_actor"));
    assert_eq!(parts_of(4).as_deref(), Some("ce_id"));
    assert_eq!(parts_of(5).as_deref(), Some("timestamp"));
    let foreign = found.iter().filter(|difference| matches!(difference, Difference::Foreign { .. })).count();
    let missing = found.iter().filter(|difference| matches!(difference, Difference::Missing { .. })).count();
    assert_eq!((found.len(), foreign, missing), (5, 1, 1), "{found:?}");
}

#[tokio::test]
async fn a_record_in_another_partition_or_of_no_event_is_named() {
    let published = Published::new().await;
    let moved = (published.orders[0].partition + 1) % 6;
    let found = published
        .found(|records| {
            records[0].partition = moved;
            for (name, value) in &mut records[9].headers {
                if name == "ce_position" {
                    *value = b"0".to_vec();
                }
            }
        })
        .await;
    let belongs = found.iter().find_map(|difference| match difference {
        Difference::OtherPartition { record, belongs, .. } => Some((record.partition, *belongs)),
        _ => None,
    });
    assert_eq!(belongs, Some((moved, published.orders[0].partition)), "{found:?}");
    assert!(found.iter().any(|difference| matches!(difference, Difference::NoEvent { .. })), "{found:?}");
}

#[tokio::test]
async fn topics_ahead_of_the_log_or_of_another_log_are_named() {
    let published = Published::new().await;
    let shorter = Shop::open().await;
    let found = listed(&topics(&shorter, &published.kafka).await);
    assert_eq!(found[0], Difference::AheadOfLog { position: Position(31), head: Position(1) });
    assert!(found.iter().any(|difference| matches!(difference, Difference::NoEvent { .. })), "{found:?}");

    damage(&shorter, "UPDATE log_head SET epoch = 2").await;
    let restored = shorter.reopened().await;
    let found = listed(&topics(&restored, &published.kafka).await);
    assert!(matches!(found[..], [Difference::OtherLog { epoch: 1, .. }]), "{found:?}");
}

#[tokio::test]
async fn records_without_a_position_of_the_relay_are_named() {
    let published = Published::new().await;
    let copy = settings();
    let topics_of_copy = names::ensure(&copy).await.unwrap();
    let producer = producer(&copy);
    send(&producer, &topics_of_copy.orders, &published.orders[0]);
    producer.flush(Duration::from_secs(30)).unwrap();
    assert_eq!(listed(&topics(&published.shop, &copy).await), [Difference::PositionLost]);
}

/// So it is where the first relay of all was killed before its first commit: nothing is published, and nothing lost.
#[tokio::test]
async fn what_was_never_committed_is_no_record() {
    let (shop, kafka) = (Shop::open().await, settings());
    names::ensure(&kafka).await.unwrap();
    undo(in_a_transaction(&kafka)).await;
    assert_eq!(listed(&topics(&shop, &kafka).await), []);
}

/// A record in each partition of the orders, in a transaction that is open.
fn in_a_transaction(kafka: &KafkaSettings) -> BaseProducer {
    let topic = Topics::new(&kafka.prefix).orders;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers).set("transactional.id", &topic);
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(Duration::from_secs(30)).unwrap();
    producer.begin_transaction().unwrap();
    for partition in 0..6 {
        producer.send(BaseRecord::<(), str>::to(&topic).payload("{}").partition(partition)).unwrap();
    }
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
    producer
}

async fn undo(transaction: BaseProducer) {
    tokio::task::spawn_blocking(move || transaction.abort_transaction(Duration::from_secs(30))).await.unwrap().unwrap();
}

/// Where the broker has dropped what is old, the rest is checked, and what is gone is counted.
#[tokio::test]
async fn the_window_that_the_broker_still_holds_is_checked() {
    let published = Published::new().await;
    let topic = Topics::new(&published.kafka.prefix).orders;
    let partition = published.orders[0].partition;
    let of_partition: Vec<&Record> = published.orders.iter().filter(|record| record.partition == partition).collect();
    let kept_from = of_partition.len() / 2;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&topic, partition, Offset::Offset(of_partition[kept_from].offset)).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &published.kafka.brokers);
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    admin.delete_records(&offsets, &AdminOptions::new()).await.unwrap();
    let checked = topics(&published.shop, &published.kafka).await;
    assert_eq!(listed(&checked), []);
    assert_eq!(checked.topics[0].no_longer_held, kept_from as u64);
    assert_eq!(checked.topics[0].records, 30 - kept_from as u64);
}

/// What a transaction holds back is waited for: the events behind it are published all the same.
#[tokio::test]
async fn a_transaction_that_is_open_is_waited_for() {
    let published = Published::new().await;
    let other = in_a_transaction(&published.kafka);
    let check = topics(&published.shop, &published.kafka);
    tokio::pin!(check);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut check).await;
    assert!(early.is_err(), "it waits");
    undo(other).await;
    let checked = check.await;
    assert_eq!(listed(&checked), []);
    assert_eq!(checked.topics[0].records, 30);
}

#[tokio::test]
async fn offsets_that_passed_an_event_without_an_entry_are_found() {
    let (shop, kafka, mail) = (Shop::open().await, settings(), Scripted::start());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &mail.url()));
    let orders = shop.place_many(6).await;
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    eventually("the offsets are committed", crate::process::SOON, async || {
        ledger(&shop, Some(&kafka)).await.calls == 6
    })
    .await;
    process.stop().await;
    let sound = ledger(&shop, Some(&kafka)).await;
    assert_eq!((sound.differences.count(), count(&sound, State::Sent), sound.to_come), (0, 6, 0));
    damage(&shop, &format!("DELETE FROM consumer_ledger WHERE aggregate_id = '{}'", orders[4].id)).await;
    let found = ledger(&shop, Some(&kafka)).await.differences.listed().to_vec();
    let [Difference::EntryMissing { event, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(event.aggregate_id, orders[4].id);

    // What nobody has handed over yet calls for nothing.
    shop.place_many(3).await;
    let later = ledger(&shop, Some(&kafka)).await;
    assert_eq!((later.differences.count(), later.calls, later.to_come), (1, 6, 3));
}

/// Another Kafka, another prefix, or topics that somebody deleted: then there is nothing to compare, and that is no
/// agreement.
#[tokio::test]
async fn a_kafka_without_what_consumers_noted_does_not_agree() {
    let (shop, kafka, mail) = (Shop::open().await, settings(), Scripted::start());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &mail.url()));
    let order = shop.place("Ada").await;
    shop.until(&order, "OrderPlaced", "sent").await;
    process.stop().await;

    let other = settings();
    let found = listed(&topics(&shop, &other).await);
    let [Difference::BehindConsumers { position: Position(0), noted }] = found[..] else { panic!("{found:?}") };
    assert!(noted > Position(0));
    let found = ledger(&shop, Some(&other)).await.differences.listed().to_vec();
    assert!(matches!(found[..], [Difference::BehindConsumers { .. }]), "{found:?}");
    let told = ledger_after(&shop, Some(&other), true).await;
    assert_eq!((told.differences.listed(), told.foreign_kafka), (&[][..], true), "it is not told twice");

    // By names alone, the wrong ones are told as such.
    let check = async |names: &KafkaSettings| {
        let cancel = CancellationToken::new();
        let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
        check_ledgers(&shop.log, None, names, false, &mut watch).await
    };
    assert!(check(&kafka).await.is_ok());
    assert!(matches!(check(&other).await, Err(VerifyError::OtherTopics { .. })));
    let fewer = KafkaSettings { partitions: 1, ..kafka.clone() };
    let partition: i32 =
        sqlx::query_scalar("SELECT max(partition) FROM consumer_progress").fetch_one(shop.pool()).await.unwrap();
    assert_eq!(check(&fewer).await.is_err(), partition > 0);
}

/// Nobody has made the topics yet, and nothing is owed to them.
#[tokio::test]
async fn before_the_first_start_there_is_nothing_to_differ() {
    let (shop, kafka) = (Shop::open().await, settings());
    shop.place("Ada").await;
    let checked = topics(&shop, &kafka).await;
    assert_eq!(listed(&checked), []);
    assert_eq!((checked.relay.published, checked.topics[0].partitions), (Position::ORIGIN, 0));
    let ledger = ledger(&shop, Some(&kafka)).await;
    assert!(!ledger.started);
    assert_eq!(ledger.differences.listed(), []);
}
