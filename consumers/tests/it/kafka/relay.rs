//! Each event once and in order, whatever happens to the relay; and refusals where going on would break that.

use super::settings;
use crate::process::{Plan, Process, SOON};
use crate::shop::Shop;
use crate::verify::{listed, topics};
use consumers::cloud_event::HEADERS;
use consumers::topics::Topics;
use consumers::{KafkaSettings, ReaderState, relay};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use testkit::kafka::{KafkaBroker, Mechanism, Record, read_topic};
use testkit::{Db, eventually};

async fn records(kafka: &KafkaSettings, topic: &str) -> Vec<Record> {
    read_topic(&kafka.brokers, topic).await.unwrap()
}

/// Reads all topics as an outsider does: each event of the log is there once, in order within its aggregate.
async fn assert_published_once(shop: &Shop, kafka: &KafkaSettings) {
    let topics = Topics::new(&kafka.prefix);
    let head = shop.log.head().await.unwrap().0;
    // A commit is answered before its markers are in every partition: readers see it a moment later.
    let published = eventually("as many records as events", Duration::from_secs(60), async || {
        let mut published = records(kafka, &topics.orders).await;
        published.extend(records(kafka, &topics.products).await);
        if published.len() as u64 >= head { Ok(published) } else { Err(format!("{} of {head}", published.len())) }
    })
    .await;
    let mut positions: Vec<u64> =
        published.iter().map(|record| record.header("ce_position").unwrap().parse().unwrap()).collect();
    positions.sort_unstable();
    assert!(positions.iter().copied().eq(1..=head), "of {head} events: {} records", positions.len());
    let mut sequences: HashMap<&str, u64> = HashMap::new();
    for record in &published {
        let sequence: u64 = record.header("ce_sequence").unwrap().parse().unwrap();
        let last = sequences.insert(record.key_text(), sequence).unwrap_or(0);
        assert_eq!(sequence, last + 1, "in order within {}", record.key_text());
    }
}

/// PostgreSQL's clock was two hours ahead for a moment, and the log's time never runs backwards: Kafka refuses records
/// more than an hour ahead of its own clock.
#[tokio::test]
async fn a_log_whose_time_is_ahead_is_published_all_the_same() {
    let (shop, kafka) = (Shop::open().await, settings());
    let order = shop.place("Ada").await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position,
                             event_id, recorded_at)
         SELECT aggregate_type, aggregate_id, sequence + 1, 'ItemAdded', '1',
                (SELECT payload FROM events WHERE aggregate_id = $1 AND event_type = 'ItemAdded' LIMIT 1), metadata,
                (SELECT max(position) + 1 FROM events), gen_random_uuid(), clock_timestamp() + interval '2 hours'
           FROM events WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1",
    )
    .bind(&order.id)
    .execute(&shop.db.superuser_pool().await)
    .await
    .unwrap();
    shop.place("Grace").await;
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    assert_published_once(&shop, &kafka).await;
    process.stop().await;
    assert_eq!(listed(&topics(&shop, &kafka).await), []);
}

fn client(kafka: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers);
    config
}

/// A producer with the relay's own transactional id, as an older instance of it has.
fn rival(shop: &Shop, kafka: &KafkaSettings) -> BaseProducer {
    let id = format!("{}.{}", Topics::new(&kafka.prefix).relay, shop.log.identity().log_id);
    let rival: BaseProducer =
        client(kafka).set("transactional.id", id).set("transaction.timeout.ms", "60000").create().unwrap();
    rival.init_transactions(Duration::from_secs(30)).unwrap();
    rival
}

async fn delete_topics(kafka: &KafkaSettings, topics: &[&str]) {
    let admin: AdminClient<DefaultClientContext> = client(kafka).create().unwrap();
    admin.delete_topics(topics, &AdminOptions::new()).await.unwrap();
    for topic in topics {
        eventually("the topic is gone", SOON, async || {
            let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(5)).unwrap();
            metadata.topics().iter().all(|found| found.name() != *topic)
        })
        .await;
    }
}

/// A record every millisecond: a reader that goes on to the end of the topic never gets there.
#[tokio::test]
async fn who_starts_beside_somebody_who_publishes_without_a_pause_is_not_held_up() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    shop.place("Ada").await;
    process.relayed(&shop).await;
    process.stop().await;
    let topics = Topics::new(&kafka.prefix);
    let last = records(&kafka, &topics.relay).await.pop().unwrap();
    let (topic, producer) = (topics.relay.clone(), client(&kafka).create::<BaseProducer>().unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let publishing = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            while !is_over.load(Ordering::Relaxed) {
                producer
                    .send(BaseRecord::to(&topic).key(last.key_text()).payload(last.value.as_deref().unwrap()))
                    .unwrap();
                producer.poll(Duration::from_millis(1));
            }
            producer.flush(SOON).unwrap();
        }
    });
    let answer = tokio::time::timeout(SOON, relay::check_history(&shop.log, &kafka, &topics)).await;
    is_over.store(true, Ordering::Relaxed);
    publishing.join().unwrap();
    answer.expect("an answer").unwrap();
}

#[tokio::test]
async fn an_event_is_a_cloud_event_keyed_by_its_aggregate() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    let order = shop.place("Ada").await;
    process.relayed(&shop).await;
    let records = records(&kafka, &Topics::new(&kafka.prefix).orders).await;
    let placed = records.last().unwrap();
    let stored = shop.log.read_event("order", &order.id, 2).await.unwrap().unwrap();
    assert_eq!(placed.key_text(), order.id);
    assert_eq!(placed.json(), serde_json::from_str::<serde_json::Value>(&stored.payload).unwrap());
    let recorded = stored.recorded().unwrap();
    let described = HEADERS.iter().map(|header| header.name);
    let mut names = placed.headers.iter().map(|(name, _)| name.as_str()).peekable();
    // In their order; one that is not always there may be missing.
    let missing: Vec<_> = described.filter(|name| names.next_if(|next| next == name).is_none()).collect();
    assert_eq!(names.next(), None, "a header that is not described");
    let always = |name: &&str| HEADERS.iter().any(|header| header.name == *name && header.is_always_there);
    assert!(!missing.iter().any(always), "{missing:?}");
    let occurred_at: chrono::DateTime<chrono::Utc> = placed.header("ce_time").unwrap().parse().unwrap();
    assert_eq!(occurred_at, recorded.metadata.occurred_at);
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_id", &stored.event_id.to_string()),
        ("ce_source", &format!("urn:uuid:{}", shop.log.identity().log_id)),
        ("ce_type", "OrderPlaced"),
        ("ce_dataversion", "2"),
        ("ce_subject", &order.id),
        ("content-type", "application/json"),
        ("ce_position", &stored.position.to_string()),
        ("ce_sequence", "2"),
        ("ce_actor", "test"),
        ("ce_correlationid", "one request"),
        ("ce_locale", "en"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ] {
        assert_eq!(placed.header(name), Some(value), "{name}");
    }
    assert_eq!(placed.timestamp_ms, Some(stored.recorded_at.timestamp_millis()));
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

/// The hashes of the JVM client's own test of its murmur2, as partitions of six.
#[tokio::test]
async fn keys_fall_into_the_partitions_that_the_jvm_gives_them() {
    let (shop, kafka) = (Shop::open().await, settings());
    let vectors: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    for (sku, _) in vectors {
        shop.add_product(sku, "A vector").await;
    }
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    let records = records(&kafka, &Topics::new(&kafka.prefix).products).await;
    for (sku, hash) in vectors {
        let record = records.iter().find(|record| record.key_text() == sku).unwrap();
        assert_eq!(record.partition, (hash & 0x7fff_ffff) % 6, "{sku}");
    }
    process.stop().await;
}

#[tokio::test]
async fn a_relay_that_died_in_a_transaction_leaves_neither_duplicate_nor_gap() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    shop.place_many(20).await;
    process.relayed(&shop).await;
    process.kill();
    let more = shop.place_many(5).await;
    // As it died between producing and committing: the next events and their position are there, uncommitted.
    let topics = Topics::new(&kafka.prefix);
    let zombie = rival(&shop, &kafka);
    zombie.begin_transaction().unwrap();
    for order in &more {
        zombie.send(BaseRecord::to(&topics.orders).key(&order.id).payload("{}")).unwrap();
    }
    zombie.send(BaseRecord::to(&topics.relay).key("published").payload("{\"position\":1000}")).unwrap();
    while zombie.in_flight_count() > 0 {
        zombie.poll(Duration::from_millis(1));
    }
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    // It comes back to life, and is fenced.
    assert!(zombie.commit_transaction(Duration::from_secs(10)).is_err());
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_where_kafka_says() {
    let (shop, kafka) = (Shop::open().await, settings());
    for _ in 0..4 {
        let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
        let begun = process.relay.borrow().position;
        shop.place_many(60).await;
        eventually("it is at work", SOON, async || process.relay.borrow().position > begun).await;
        process.kill();
    }
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn two_relays_at_once_publish_each_event_once() {
    let (shop, kafka) = (Shop::open().await, settings());
    let processes = [0, 1].map(|_| Process::start(&shop, Plan::relay_alone(kafka.clone())));
    eventually("one leads, and one stands by", SOON, async || {
        let mut states = processes.each_ref().map(|process| process.relay.borrow().state.clone());
        states.sort_by_key(|state| *state != ReaderState::Running);
        if states == [ReaderState::Running, ReaderState::Standby] { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    for _ in 0..4 {
        shop.place_many(40).await;
        // As if the leader's lease had run out: the other one takes over while the old leader still believes that it
        // leads.
        sqlx::query("UPDATE leases SET until = clock_timestamp()").execute(shop.pool()).await.unwrap();
    }
    let head = shop.log.head().await.unwrap();
    eventually("one of them is at the head", Duration::from_secs(60), async || {
        let positions = processes.each_ref().map(|process| process.relay.borrow().clone());
        if positions.iter().any(|status| status.position >= head) { Ok(()) } else { Err(format!("{positions:?}")) }
    })
    .await;
    for process in processes {
        process.stop().await;
    }
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn without_its_position_it_refuses_to_publish_again() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    shop.place("Ada").await;
    process.relayed(&shop).await;
    process.stop().await;
    let topics = Topics::new(&kafka.prefix);
    delete_topics(&kafka, &[&topics.relay]).await;
    let refusal = Process::start(&shop, Plan::relay_alone(kafka.clone())).refusal().await;
    assert!(refusal.contains("somebody deleted it") && refusal.contains(&topics.relay), "{refusal}");
    // As the refusal says: with all topics gone everything is published anew.
    delete_topics(&kafka, &[&topics.relay, &topics.orders, &topics.products]).await;
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn without_the_topics_of_events_it_refuses_to_go_on() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    process.stop().await;
    let topics = Topics::new(&kafka.prefix);
    delete_topics(&kafka, &[&topics.orders, &topics.products]).await;
    let refusal = Process::start(&shop, Plan::relay_alone(kafka)).refusal().await;
    assert!(refusal.contains("the topics of events are empty"), "{refusal}");
}

#[tokio::test]
async fn ahead_of_the_log_or_of_another_log_it_refuses() {
    let (shop, kafka) = (Shop::open().await, settings());
    shop.place_many(3).await;
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    process.stop().await;
    // Another shop's log is a clone of the same template: the same identity, but shorter, as after a restore.
    let shorter = Shop::open().await;
    let refusal = Process::start(&shorter, Plan::relay_alone(kafka.clone())).refusal().await;
    assert!(refusal.contains("restored to an earlier point"), "{refusal}");
    // Nor do consumers act on events that are no more.
    let process = Process::start(&shorter, Plan { relay: false, ..Plan::new(kafka.clone(), "console:") });
    let stopped = eventually("the consumer stops", SOON, async || match process.consumers[0].borrow().state.clone() {
        ReaderState::Stopped(reason) => Ok(reason),
        state => Err(format!("{state:?}")),
    });
    assert_eq!(stopped.await, refusal);
    drop(process);
    // Grown beyond that point, it is another log still.
    shorter.place_many(4).await;
    let refusal = Process::start(&shorter, Plan::relay_alone(kafka.clone())).refusal().await;
    assert!(refusal.contains("another event stands at position"), "{refusal}");

    let restored = Db::new().await;
    let superuser = restored.superuser_pool().await;
    sqlx::query("UPDATE log_head SET epoch = 2").execute(&superuser).await.unwrap();
    let refusal = Process::start_on(&restored.app_url(), Plan::relay_alone(kafka.clone())).refusal().await;
    assert!(refusal.contains("this one is") && refusal.contains("epoch 2"), "{refusal}");
}

#[tokio::test]
async fn another_partition_count_is_refused() {
    let (shop, kafka) = (Shop::open().await, settings());
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    process.relayed(&shop).await;
    process.stop().await;
    let refusal = Process::start(&shop, Plan::relay_alone(KafkaSettings { partitions: 12, ..kafka })).refusal().await;
    assert!(refusal.contains("has 6 partitions, the settings say 12"), "{refusal}");
}

#[tokio::test]
async fn a_broker_that_dies_is_waited_for() {
    let broker = KafkaBroker::start();
    let (shop, kafka) = (Shop::open().await, KafkaSettings::new(broker.brokers()));
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    shop.place_many(10).await;
    process.relayed(&shop).await;
    broker.kill();
    shop.place_many(10).await;
    eventually("it says so", SOON, async || matches!(process.relay.borrow().state, ReaderState::Retrying(_))).await;
    broker.restart();
    process.relayed(&shop).await;
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn a_broker_that_falls_silent_in_the_midst_of_a_commit_is_said_to_be_away() {
    let broker = KafkaBroker::start();
    let (shop, kafka) = (Shop::open().await, KafkaSettings::new(broker.brokers()));
    let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
    shop.place("Ada").await;
    process.relayed(&shop).await;
    let silenced = broker.clone();
    // All records are taken; their commit will not be heard. Relays of other tests may come by here too.
    fail::cfg_callback("kafka_commit.before", move || silenced.freeze()).unwrap();
    shop.place("Grace").await;
    eventually("it says so", Duration::from_secs(90), async || match process.relay.borrow().state.clone() {
        ReaderState::Retrying(_) => Ok(()),
        state => Err(format!("{state:?}")),
    })
    .await;
    fail::remove("kafka_commit.before");
    broker.thaw();
    shop.place("Mary").await;
    eventually("it goes on", Duration::from_secs(90), async || {
        let head = shop.log.head().await.unwrap();
        process.relay.borrow().position >= head
    })
    .await;
    process.stop().await;
    assert_published_once(&shop, &kafka).await;
}

#[tokio::test]
async fn tls_and_login_pass_through() {
    let broker = KafkaBroker::shared();
    let shop = Shop::open().await;
    let plain = settings();
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha512] {
        let mut kafka = KafkaSettings { brokers: broker.secure_brokers(), ..settings() };
        kafka.properties =
            broker.secure_settings(mechanism).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let process = Process::start(&shop, Plan::relay_alone(kafka.clone()));
        process.relayed(&shop).await;
        process.stop().await;
        assert_published_once(&shop, &KafkaSettings { brokers: plain.brokers.clone(), ..kafka }).await;
    }
    let strange = KafkaSettings { properties: vec![("acks".to_owned(), "0".to_owned())], ..plain };
    let refusal = Process::start(&shop, Plan::relay_alone(strange)).refusal().await;
    assert!(refusal.contains("`acks` is no Kafka property that can be set"), "{refusal}");
}
