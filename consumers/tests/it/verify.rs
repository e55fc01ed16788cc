//! With a broker inside the process, and without any: what agrees gives no difference, and what does not is named. What
//! needs a real Kafka is in `kafka::verify`.

use super::process::{Plan, Process, SOON};
use super::shop::Shop;
use commands::verify::Watch;
use consumers::ledger::State;
use consumers::topics::Topics;
use consumers::verify::{Difference, LedgerChecked, Reach, TopicsChecked, VerifyError, check_ledgers, check_topics};
use consumers::{EmbeddedBroker, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sqlx::Executor;
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::read_topic;
use testkit::smtp::Scripted;
use tokio_util::sync::CancellationToken;

/// What the topics say.
pub async fn topics(shop: &Shop, kafka: &KafkaSettings) -> TopicsChecked {
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    check_topics(&shop.log, kafka, &mut watch).await.unwrap()
}

/// What the ledger of mails says.
pub async fn ledger(shop: &Shop, kafka: Option<&KafkaSettings>) -> LedgerChecked {
    ledger_after(shop, kafka, false).await
}

/// The same, and whether Kafka was found not to be the log's before.
pub async fn ledger_after(shop: &Shop, kafka: Option<&KafkaSettings>, relay_is_told: bool) -> LedgerChecked {
    let (cancel, names) = (CancellationToken::new(), KafkaSettings::new(""));
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    let checked = check_ledgers(&shop.log, kafka, &names, relay_is_told, &mut watch).await.unwrap();
    checked.into_iter().find(|ledger| ledger.consumer == "order_mail").unwrap()
}

/// Everything that is listed, of the relay and of both topics.
pub fn listed(checked: &TopicsChecked) -> Vec<Difference> {
    let topics = checked.topics.iter().flat_map(|topic| topic.differences.listed());
    checked.relay.differences.listed().iter().chain(topics).cloned().collect()
}

pub async fn damage(shop: &Shop, sql: &str) {
    let touched = shop.db.superuser_pool().await.execute(sql).await.unwrap().rows_affected();
    assert!(touched > 0, "{sql}");
}

/// How many entries are in a state.
pub fn count(checked: &LedgerChecked, state: State) -> u64 {
    checked.states.iter().find(|(of, _)| *of == state).unwrap().1
}

/// Waits until an embedded broker's groups have finished everything.
async fn finished(shop: &Shop) {
    let head = shop.log.head().await.unwrap();
    eventually("all is finished", SOON, async || {
        let at: i64 = sqlx::query_scalar("SELECT min(finished_up_to) FROM consumer_groups")
            .fetch_one(shop.pool())
            .await
            .map_err(|error| error.to_string())?;
        if at == head.as_i64() { Ok(()) } else { Err(format!("{at} of {head}")) }
    })
    .await;
}

async fn produce(kafka: &KafkaSettings, topic: &str, key: &str, value: &str) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().unwrap();
    producer.send(BaseRecord::to(topic).key(key).payload(value)).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

#[tokio::test]
async fn an_embedded_broker_agrees_with_the_log() {
    let (shop, mail) = (Shop::open().await, Scripted::start());
    let broker = EmbeddedBroker::start(6).unwrap();
    let kafka = broker.settings();
    let process = Process::start(&shop, Plan::new(kafka.clone(), &mail.url()));
    for order in shop.place_many(20).await {
        shop.pay(&order).await;
    }
    finished(&shop).await;
    let checked = topics(&shop, &kafka).await;
    assert_eq!(listed(&checked), []);
    let head = shop.log.head().await.unwrap();
    assert_eq!((checked.relay.published, checked.relay.head), (head, head));
    let orders = &checked.topics[0];
    assert_eq!((orders.records, orders.repeated, orders.no_longer_held), (80, 0, 0));
    let ledger = ledger(&shop, Some(&kafka)).await;
    assert_eq!(ledger.differences.listed(), []);
    assert_eq!((ledger.calls, ledger.to_come, ledger.reach), (40, 0, Reach::NotedProgress));
    process.kill();

    // A broker that was started anew is given what comes from now on.
    let broker = EmbeddedBroker::start(6).unwrap();
    let kafka = broker.settings();
    let process = Process::start(&shop, Plan::new(kafka.clone(), &mail.url()));
    shop.place_many(5).await;
    finished(&shop).await;
    let checked = topics(&shop, &kafka).await;
    assert_eq!(listed(&checked), []);
    let [orders, products, ..] = &checked.topics[..] else { panic!("the topics") };
    assert_eq!((orders.records, orders.no_longer_held, products.no_longer_held), (10, 80, 1));
    assert_eq!(orders.first.0, head.0 + 1);

    // What it holds twice is counted; what is none of ours is named.
    let topic = Topics::new("").orders;
    let records = read_topic(&kafka.brokers, &topic).await.unwrap();
    produce(&kafka, &topic, records[0].key_text(), "{}").await;
    let found = listed(&topics(&shop, &kafka).await);
    assert!(matches!(found[..], [Difference::Foreign { .. }]), "{found:?}");
    process.stop().await;
}

#[tokio::test]
async fn entries_that_are_missing_or_too_many_are_named() {
    let (shop, mail) = (Shop::open().await, Scripted::start());
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &mail.url()));
    let orders = shop.place_many(4).await;
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    finished(&shop).await;
    process.stop().await;
    drop(broker);

    // Without a broker the notes in PostgreSQL say how far the group is.
    let sound = ledger(&shop, None).await;
    assert_eq!((sound.differences.count(), sound.calls, count(&sound, State::Sent)), (0, 4, 4));

    let [missing, double, ..] = &orders[..] else { panic!("four orders") };
    damage(&shop, &format!("DELETE FROM consumer_ledger WHERE aggregate_id = '{}'", missing.id)).await;
    let copy = |what: &str, id: &str| {
        format!(
            "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                          event_type, state, due_at, noted_at, changed_at)
             SELECT consumer, {what}, aggregate_type, aggregate_id, sequence, position, event_type, 'parked', 'infinity',
                    now(), now() FROM consumer_ledger WHERE aggregate_id = '{id}'"
        )
    };
    damage(&shop, &copy("event_id, gen_random_uuid()", &double.id)).await;
    damage(&shop, &copy("gen_random_uuid(), recipient", &orders[2].id)).await;
    let uncalled = format!(
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                                      event_type, state, due_at, noted_at, changed_at)
         SELECT 'order_mail', event_id, gen_random_uuid(), aggregate_type, aggregate_id, sequence, position, event_type,
                'parked', 'infinity', now(), now() FROM events WHERE aggregate_id = '{}' AND event_type = 'ItemAdded'",
        orders[3].id
    );
    damage(&shop, &uncalled).await;
    let found = ledger(&shop, None).await;
    assert_eq!((count(&found, State::Sent), count(&found, State::Parked)), (3, 3));
    let texts: Vec<String> = found.differences.listed().iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    let named = |id: &str, words: &str| texts.iter().any(|text| text.contains(id) && text.contains(words));
    assert!(named(&missing.id, "has no entry for recipient"), "{texts:?}");
    assert!(named(&double.id, "whom it does not reach"), "{texts:?}");
    assert!(named(&orders[2].id, "which is not in the log"), "{texts:?}");
    assert!(named(&orders[3].id, "an `ItemAdded` that calls for no effect"), "{texts:?}");
}

#[tokio::test]
async fn a_consumer_that_was_never_started_has_nothing_to_check() {
    let shop = Shop::open().await;
    shop.place("Ada").await;
    let checked = ledger(&shop, None).await;
    assert!(!checked.started);
    assert_eq!((checked.calls, checked.to_come, checked.differences.count()), (0, 0, 0));
}

#[tokio::test]
async fn a_kafka_that_is_not_there_can_not_be_checked() {
    let shop = Shop::open().await;
    let kafka = KafkaSettings::new("127.0.0.1:1");
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    let error = check_topics(&shop.log, &kafka, &mut watch).await.unwrap_err();
    assert!(matches!(error, VerifyError::Broker(_)), "{error:?}");
    assert!(error.to_string().contains("Kafka at 127.0.0.1:1 can't be reached"), "{error}");
}
