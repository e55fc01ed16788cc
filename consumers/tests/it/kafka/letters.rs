//! Dead letters that Kafka does not take as they are.

use super::settings;
use super::verify::send;
use crate::process::{Plan, Process, SOON};
use crate::shop::Shop;
use consumers::parked::letters::{self, Letter};
use consumers::topics::Topics;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer};
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::read_topic;
use testkit::smtp::Scripted;

/// A record of this size a broker takes; with the headers of a letter it does not.
const LARGE_BYTES: usize = 1_048_400;

/// Between two records that are none of ours stands one that is too large to be a letter.
#[tokio::test]
async fn a_letter_that_kafka_refuses_goes_out_without_its_record_and_holds_up_no_other() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let mut orders = Vec::new();
    for name in ["Ada", "Grace", "Zoe"] {
        let order = shop.place(name).await;
        shop.until(&order, "OrderPlaced", "sent").await;
        orders.push(order);
    }
    let topic = Topics::new(&kafka.prefix).orders;
    let records = read_topic(&kafka.brokers, &topic).await.unwrap();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("message.max.bytes", "2000000")
        .create()
        .unwrap();
    for (order, size) in orders.iter().zip([10, LARGE_BYTES, 10]) {
        let mut garbage = records.iter().find(|record| record.key_text() == order.id).unwrap().clone();
        garbage.headers.clear();
        garbage.value = Some(vec![b'x'; size]);
        send(&producer, &topic, &garbage);
        producer.flush(Duration::from_secs(30)).unwrap();
        // In the order of their parking.
        eventually("it is parked", SOON, async || {
            let parked = "SELECT count(*) FROM consumer_ledger WHERE consumer = 'order_mail' AND state = 'parked'
                             AND aggregate_id = $1";
            let parked: i64 = sqlx::query_scalar(parked).bind(&order.id).fetch_one(shop.pool()).await.unwrap();
            parked == 1
        })
        .await;
    }
    let of_mail = async || {
        let letters = letters::browse(&kafka, None, 200).await.unwrap().letters;
        letters.into_iter().filter(|letter| letter.consumer.as_deref() == Some("order_mail")).collect::<Vec<Letter>>()
    };
    let letters = eventually("all three are letters", SOON, async || {
        let letters = of_mail().await;
        if letters.len() >= 3 { Ok(letters) } else { Err(letters.len()) }
    })
    .await;
    for (letter, order) in letters.iter().zip(&orders) {
        assert_eq!(letter.key.as_deref(), Some(order.id.as_str()));
        assert!(letter.item.is_some() && letter.parked_at.is_some() && letter.came_from.is_some(), "{letter:?}");
    }
    let values: Vec<_> = letters.iter().map(|letter| letter.value.as_ref().map(String::len)).collect();
    assert_eq!(values, [Some(10), None, Some(10)]);
    let omitted: Vec<_> = letters.iter().map(|letter| letter.value_omitted.is_some()).collect();
    assert_eq!(omitted, [false, true, false]);
    eventually("nothing is left to publish", SOON, async || {
        let left = "SELECT count(*) FROM consumer_letters WHERE consumer = 'order_mail'";
        sqlx::query_scalar::<_, i64>(left).fetch_one(shop.pool()).await.unwrap() == 0
    })
    .await;
    assert_eq!(of_mail().await.len(), 3, "once each");
    process.stop().await;
}
