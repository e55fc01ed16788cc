//! The Kafka broker and its two readers.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use testkit::eventually;
use testkit::kafka::{KafkaBroker, Mechanism, Record, read_topic, read_topic_with_kcat};

const BOUND: Duration = Duration::from_secs(30);

type Client = ThreadedProducer<rdkafka::producer::DefaultProducerContext>;

async fn create_topic(brokers: &str, name: &str) {
    let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let topic = NewTopic::new(name, 3, TopicReplication::Fixed(1));
    for created in admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
        created.unwrap();
    }
}

fn producer(brokers: &str, transactional_id: &str) -> Client {
    let producer: Client = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", transactional_id)
        .create()
        .unwrap();
    producer.init_transactions(BOUND).unwrap();
    producer
}

fn send(producer: &Client, topic: &str, key: &str, value: &str) {
    let headers = OwnedHeaders::new().insert(Header { key: "ce_id", value: Some(key) });
    producer.send(BaseRecord::to(topic).key(key).payload(value).headers(headers)).map_err(|(error, _)| error).unwrap();
}

fn keys(records: &[Record]) -> Vec<&str> {
    let mut keys: Vec<&str> = records.iter().map(Record::key_text).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn both_readers_see_what_is_committed_and_nothing_else() {
    let brokers = KafkaBroker::shared().brokers();
    let topic = "committed";
    assert_eq!(read_topic(&brokers, topic).await, Ok(Vec::new()), "no such topic yet");
    create_topic(&brokers, topic).await;
    let producer = producer(&brokers, topic);

    producer.begin_transaction().unwrap();
    send(&producer, topic, "one", r#"{"n":1}"#);
    send(&producer, topic, "two", r#"{"n":2}"#);
    producer.commit_transaction(BOUND).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, topic, "aborted", "{}");
    producer.flush(BOUND).unwrap();
    producer.abort_transaction(BOUND).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, topic, "open", "{}");
    producer.flush(BOUND).unwrap();

    let records = read_topic(&brokers, topic).await.unwrap();
    assert_eq!(keys(&records), ["one", "two"]);
    let one = records.iter().find(|record| record.key_text() == "one").unwrap();
    assert_eq!(one.json()["n"], 1);
    assert_eq!(one.header("ce_id"), Some("one"));
    assert!(one.timestamp_ms.is_some());
    assert_eq!(read_topic_with_kcat(&brokers, topic).await.unwrap(), records);
}

#[tokio::test]
async fn a_killed_broker_comes_back_with_its_records() {
    let broker = KafkaBroker::start();
    let (brokers, topic) = (broker.brokers(), "kept");
    create_topic(&brokers, topic).await;
    let producer = producer(&brokers, topic);
    producer.begin_transaction().unwrap();
    send(&producer, topic, "kept", "{}");
    producer.commit_transaction(BOUND).unwrap();

    broker.kill();
    assert!(std::net::TcpStream::connect(&brokers).is_err(), "it is away");
    broker.restart();

    assert_eq!(broker.brokers(), brokers);
    let records = eventually("the topic is read", BOUND, async || read_topic(&brokers, topic).await).await;
    assert_eq!(keys(&records), ["kept"]);
}

#[tokio::test]
async fn tls_and_login_are_asked_for_on_the_secure_listener() {
    let broker = KafkaBroker::shared();
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha512] {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", broker.secure_brokers());
        settings.extend(broker.secure_settings(mechanism).into_iter().map(|(key, value)| (key.to_owned(), value)));
        let brokers_seen = |settings: &ClientConfig, within| {
            let client: Client = settings.create().unwrap();
            client.client().fetch_metadata(None, within).map(|metadata| metadata.brokers().len())
        };
        assert_eq!(brokers_seen(&settings, BOUND), Ok(1), "{mechanism:?}");
        settings.set("sasl.password", "wrong");
        // The library tries again and again, so its time-out is the refusal.
        assert!(brokers_seen(&settings, Duration::from_secs(2)).is_err(), "{mechanism:?} with a wrong password");
    }
}
